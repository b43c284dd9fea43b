# pgtally: one extension (PGXS) and one process (httpd/). `make help` lists what can be done.

PG_CONFIG ?= pg_config
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" extension/pgtally.control)

EXTENSION  = extension/pgtally
MODULE_big = pgtally
CORE_OBJS := $(patsubst %.cpp,%.o,$(sort $(wildcard extension/core/*.cpp)))
GLUE_OBJS := $(patsubst %.cpp,%.o,$(sort $(wildcard extension/pg/*.cpp)))
OBJS       = $(CORE_OBJS) $(GLUE_OBJS)

SQL_PARTS := $(sort $(wildcard sql/install/*.sql))
DATA       = $(wildcard sql/updates/pgtally--*--*.sql)
DATA_built = sql/pgtally--$(EXTVERSION).sql

REGRESS      = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --outputdir=.
EXTRA_CLEAN  = sql/pgtally--*.sql $(OBJS:.o=.d) results

# Warnings are errors only where WERROR=1 (CI): a newer compiler must never stop a DBA's build.
WERROR_FLAG    = $(if $(filter 1,$(WERROR)),-Werror)
# -isystem: PostgreSQL's own headers are not ours to lint (engineering: `register` up to 15, shadowing macros).
PG_CPPFLAGS    = -Iextension -isystem $(shell $(PG_CONFIG) --includedir-server) \
                 -DPGDLLEXPORT='__attribute__((visibility("default")))' \
                 -DPGTALLY_VERSION='"$(EXTVERSION)"'
PG_CXXFLAGS    = -std=c++20 -Wall -Wextra -Wshadow $(WERROR_FLAG) \
                 -fvisibility=hidden -fvisibility-inlines-hidden
SHLIB_LINK     = -lsimdjson -lstdc++ -Wl,--exclude-libs,ALL

# No JIT bitcode: clang 14 would compile C++20 a second time for no gain. PGXS links with $(COMPILER): make it C++.
override with_llvm = no
override COMPILER = $(CXX) $(CXXFLAGS)

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS tracks headers only where the server was built with --enable-depend (Debian's is not): track them here.
$(OBJS): %.o: %.cpp
	$(COMPILE.cc) -MMD -MP -o $@ $<
-include $(OBJS:.o=.d)

sql/pgtally--$(EXTVERSION).sql: $(SQL_PARTS) extension/pgtally.control
	cat $(SQL_PARTS) > $@.tmp && mv $@.tmp $@
