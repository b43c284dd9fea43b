# clang-tidy over each file of the extension and of tallyd: a stamp for each of which it has nothing to say, made anew
# where the file, a header of it or .clang-tidy changed. What it says of one is printed, and beside the stamp.
# usage: make -k -f test/lib/tidy.mk BUILD=.build/tidy      (tallyd must be built: it includes what its build makes)

BUILD     ?= .build/tidy
TIDY      ?= clang-tidy-14
PG_CONFIG ?= pg_config
SOURCES   := $(sort $(wildcard extension/*/*/*.cpp httpd/*/*.cpp))

# -isystem: other people's headers are not ours to lint.
COMMON := -std=c++20 -DPGTALLY_VERSION='"0"'
$(BUILD)/extension/%: FLAGS = $(COMMON) -Iextension -isystem $(shell $(PG_CONFIG) --includedir-server)
$(BUILD)/httpd/%: FLAGS = $(COMMON) -Ihttpd -isystem $(shell $(PG_CONFIG) --includedir) -DSPDLOG_COMPILED_LIB \
                          -DSPDLOG_FMT_EXTERNAL -DSPDLOG_SHARED_LIB

.PHONY: all
all: $(SOURCES:%.cpp=$(BUILD)/%.ok)

$(BUILD)/%.ok: %.cpp .clang-tidy
	@mkdir -p $(@D) && rm -f $@
	@$(CXX) $(FLAGS) -MM -MP -MT $@ -MF $(@:.ok=.d) $<
	@$(TIDY) --quiet --warnings-as-errors='*' $< -- $(FLAGS) >$(@:.ok=.log) 2>$(@:.ok=.err) || { cat $(@:.ok=.log); grep error: $(@:.ok=.err); exit 1; }
	@touch $@

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
