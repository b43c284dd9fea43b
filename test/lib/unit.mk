# Builds the unit tests (programs of GoogleTest, one per file) and the fuzz targets, apart from the product's own objects.
# usage: make -f test/lib/unit.mk BUILD=.build/unit [SANITIZE=1] programs | fuzzers CXX=clang++

BUILD ?= .build/unit
MODE   = -O1
ifeq ($(SANITIZE),1)
# GCC takes a std::optional without a value for uninitialized memory where it is sanitized.
MODE   = -O1 -DPGTALLY_CHECK_INVARIANTS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
         -Wno-maybe-uninitialized
endif
ifeq ($(SANITIZE),fuzzer)
MODE   = -O1 -DPGTALLY_CHECK_INVARIANTS -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

VERSION  := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" extension/pgtally.control)
CXXFLAGS := -std=c++20 -g -Wall -Wextra -Wshadow $(if $(filter 1,$(WERROR)),-Werror) $(MODE) -fno-strict-aliasing -fwrapv
CPPFLAGS := -Iextension -Ihttpd -Itest/unit -DPGTALLY_VERSION='"$(VERSION)"' -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL -DSPDLOG_SHARED_LIB \
            -isystem $(shell pg_config --includedir)

CORE  := $(wildcard extension/core/*/*.cpp)
# Of an archive only what a test needs is linked: parts of httpd that need neither libmicrohttpd nor libpq bring neither.
HTTPD := $(if $(wildcard test/unit/httpd_*),$(filter-out httpd/app/main.cpp,$(wildcard httpd/*/*.cpp)))
TESTS := $(wildcard test/unit/*_test.cpp)
FUZZ  := $(wildcard test/fuzz/*_fuzz.cpp)
LIBS  := -Wl,--as-needed -lsimdjson -lz -lzstd -ljansson -lspdlog -lfmt -lgnutls -lcurl -lmicrohttpd -lpq

objects = $(patsubst %.cpp,$(BUILD)/%.o,$(1))

.PHONY: programs fuzzers
.SECONDARY:
programs: $(patsubst test/unit/%.cpp,$(BUILD)/bin/%,$(TESTS))
fuzzers: $(patsubst test/fuzz/%.cpp,$(BUILD)/bin/%,$(FUZZ))

$(BUILD)/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

# As httpd/Makefile makes it.
$(BUILD)/httpd/api/document.o: $(BUILD)/openapi.inc
$(BUILD)/httpd/api/router.o: $(BUILD)/routes.inc
$(BUILD)/httpd/page/files.o: $(BUILD)/page.inc
$(BUILD)/page.inc: httpd/web/bundle.sh
	@mkdir -p $(@D)
	httpd/web/bundle.sh --none $@
$(BUILD)/httpd/api/document.o $(BUILD)/httpd/api/router.o $(BUILD)/httpd/page/files.o: CPPFLAGS += -I$(BUILD)
$(BUILD)/routes.inc $(BUILD)/openapi.inc &: $(wildcard httpd/openapi/*.yaml) httpd/openapi.pl
	@mkdir -p $(@D)
	perl httpd/openapi.pl httpd/openapi $(@D)

$(BUILD)/core.a: $(call objects,$(CORE))
	@mkdir -p $(@D)
	rm -f $@ && ar qcs $@ $^
$(BUILD)/httpd.a: $(call objects,$(HTTPD))
	@mkdir -p $(@D)
	rm -f $@ && ar qcs $@ $^

# A test of httpd_* sees nothing of the extension, and the other way round: as in the product.
$(BUILD)/bin/httpd_%_test: $(BUILD)/test/unit/httpd_%_test.o $(BUILD)/httpd.a
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) -o $@ $^ -lgtest_main -lgtest $(LIBS) -pthread
$(BUILD)/bin/%_test: $(BUILD)/test/unit/%_test.o $(BUILD)/core.a
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) -o $@ $^ -lgtest_main -lgtest $(LIBS) -pthread
$(BUILD)/bin/%_bench: $(BUILD)/test/bench/%_bench.o $(BUILD)/core.a
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/bin/httpd_%_fuzz: $(BUILD)/test/fuzz/httpd_%_fuzz.o $(BUILD)/httpd.a
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)
$(BUILD)/bin/%_fuzz: $(BUILD)/test/fuzz/%_fuzz.o $(BUILD)/core.a
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
