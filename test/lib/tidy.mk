# clang-tidy over each file of extension/core: a stamp for each of which it has nothing to say, made anew
# where the file, a header of it or .clang-tidy changed. What it says of one is printed, and beside the stamp.
# usage: make -k -f test/lib/tidy.mk BUILD=.build/tidy

BUILD     ?= .build/tidy
TIDY      ?= clang-tidy-14
SOURCES   := $(sort $(wildcard extension/core/*/*.cpp))

FLAGS := -std=c++20 -DPGTALLY_VERSION='"0"' -Iextension

.PHONY: all
all: $(SOURCES:%.cpp=$(BUILD)/%.ok)

$(BUILD)/%.ok: %.cpp .clang-tidy
	@mkdir -p $(@D) && rm -f $@
	@$(CXX) $(FLAGS) -MM -MP -MT $@ -MF $(@:.ok=.d) $<
	@$(TIDY) --quiet --warnings-as-errors='*' $< -- $(FLAGS) >$(@:.ok=.log) 2>$(@:.ok=.err) || { cat $(@:.ok=.log); grep error: $(@:.ok=.err); exit 1; }
	@touch $@

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
