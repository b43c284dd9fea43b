# pgtally: one extension (PGXS) and one process (httpd/). `make help` lists what can be done.
#
# Tasks (run, check, ...) work before PostgreSQL's headers are there: they install what is missing and call make again.
# Everything else is a plain PGXS makefile.

PG_CONFIG ?= pg_config
PORT      ?= 8080
SAMPLE    ?= 1
FUZZ_SECONDS ?= 120
DIST      ?= pgtally-$(EXTVERSION).zip
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" extension/pgtally.control)

# DATA is the demo's folder to `make run` and a list of files to PGXS: take the one, then give the other.
ifeq ($(origin RUN_DATA),undefined)
export RUN_DATA := $(or $(DATA),.run)
endif

TASKS    := help deps run check bench fuzz dist deb docker screenshots format
SUITES   := lint tidy unit sanitize regress isolation tap upgrade http browser property fuzz
# Too long for `make check`: run by name.
LONG_SUITES := http-sanitize http-thread
ALL_TASKS := $(TASKS) $(SUITES:%=check-%) $(LONG_SUITES:%=check-%) check-packages

ifneq (,$(filter $(ALL_TASKS),$(MAKECMDGOALS)))

.PHONY: $(MAKECMDGOALS)
.NOTPARALLEL:
export MAKE PG_CONFIG WERROR FUZZ_SECONDS

help:
	@echo 'make               build the extension and httpd/tallyd'
	@echo 'make install       install both (PG_CONFIG=... chooses the PostgreSQL, DESTDIR works)'
	@echo 'make installcheck  regression tests against a running server'
	@echo 'make run           demo: private cluster, tallyd, real sample (DATA=.run PORT=8080 SAMPLE=1; DEMO=live: events go on)'
	@echo 'make check         every test, on private clusters; one suite: $(SUITES:%=check-%)'
	@echo '                   and only by name: $(LONG_SUITES:%=check-%)'
	@echo 'make bench         benchmarks          make fuzz   fuzz targets, FUZZ_SECONDS=120 each'
	@echo 'make dist          the PGXN archive    make clean  remove what was built'
	@echo 'make deb           Debian packages of the extension and of tallyd, in .build/deb; check-packages builds and tries them'
	@echo 'make docker        an image of tallyd, where docker is there'
	@echo 'make screenshots   the picture of the README'
	@echo 'make deps          install missing Debian packages (run and check do so themselves)'

deps:
	@test/lib/deps.sh check '$(PG_CONFIG)'
	@test/lib/npm.sh
	@test/lib/prometheus.sh

run:
	@test/lib/deps.sh run '$(PG_CONFIG)'
	+@exec test/lib/run.sh "$$RUN_DATA" '$(PORT)' '$(SAMPLE)' '$(DEMO)'

check $(SUITES:%=check-%) $(LONG_SUITES:%=check-%):
	@test/lib/deps.sh check '$(PG_CONFIG)'
	@test/lib/npm.sh
	@test/lib/prometheus.sh
	+@test/lib/check.sh $(if $(filter check,$@),$(SUITES),$(@:check-%=%))

bench:
	@test/lib/deps.sh bench '$(PG_CONFIG)'
	+@test/lib/bench.sh

fuzz:
	@test/lib/deps.sh fuzz '$(PG_CONFIG)'
	+@test/lib/check.sh fuzz

screenshots:
	@test/lib/deps.sh check '$(PG_CONFIG)'
	@test/lib/npm.sh
	+@test/lib/check.sh screenshots

format:
	find extension httpd test -name node_modules -prune -o -name '*.[ch]pp' -print | xargs clang-format-14 -i

dist:
	git archive --format=zip --prefix=pgtally-$(EXTVERSION)/ -o '$(DIST)' HEAD -- . ':(exclude)test/releases/*.zip'
	@echo '$(DIST)'

deb:
	@test/lib/deps.sh deb '$(PG_CONFIG)'
	+@httpd/package/deb.sh '$(PG_CONFIG)'

# Not in `make check`: a second build of everything, as a package wants it. Installed in a throw-away overlay.
check-packages:
	@test/lib/deps.sh check-packages '$(PG_CONFIG)'
	+@httpd/package/deb.sh '$(PG_CONFIG)'
	@test/packages/packages.sh

docker:
	@httpd/package/docker.sh

# Other goals on the same command line keep their meaning and their turn.
$(filter-out $(ALL_TASKS),$(MAKECMDGOALS)):
	+$(MAKE) $@

else

# The bridges join pgtally to extensions that may be missing, so each is an extension of its own.
BRIDGES   := $(patsubst sql/bridge/%.sql,%,$(sort $(wildcard sql/bridge/*.sql)))
EXTENSION  = extension/pgtally $(BRIDGES:%=extension/pgtally_%)
MODULE_big = pgtally
CORE_OBJS := $(patsubst %.cpp,%.o,$(sort $(wildcard extension/core/*/*.cpp)))
GLUE_OBJS := $(patsubst %.cpp,%.o,$(sort $(wildcard extension/pg/*/*.cpp)))
OBJS       = $(CORE_OBJS) $(GLUE_OBJS)

SQL_PARTS := $(addprefix sql/install/,$(shell cat sql/install/order))
override DATA = $(wildcard sql/updates/pgtally*--*--*.sql)
DATA_built = sql/pgtally--$(EXTVERSION).sql $(BRIDGES:%=sql/pgtally_%--$(EXTVERSION).sql)

REGRESS      = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --outputdir=.
installcheck: export PGOPTIONS = -c tally.allow_drop=on
EXTRA_CLEAN  = sql/pgtally*--*.sql $(OBJS:.o=.d) results .build regression.diffs regression.out

# Warnings are errors only where WERROR=1 (CI): a newer compiler must never stop a DBA's build.
WERROR_FLAG    = $(if $(filter 1,$(WERROR)),-Werror)
# Invariants of states are checked where the server checks its own, or where CHECK_INVARIANTS=1 (make clean before).
CHECK_INVARIANTS ?= $(if $(findstring --enable-cassert,$(shell $(PG_CONFIG) --configure)),1)
INVARIANTS_FLAG = $(if $(filter 1,$(CHECK_INVARIANTS)),-DPGTALLY_CHECK_INVARIANTS)
# -isystem: PostgreSQL's own headers are not ours to lint (engineering: `register` up to 15, shadowing macros).
PG_CPPFLAGS    = -Iextension -isystem $(shell $(PG_CONFIG) --includedir-server) \
                 -DPGDLLEXPORT='__attribute__((visibility("default")))' \
                 -DPGTALLY_VERSION='"$(EXTVERSION)"' $(INVARIANTS_FLAG)
PG_CXXFLAGS    = -std=c++20 -Wall -Wextra -Wshadow $(WERROR_FLAG) \
                 -fvisibility=hidden -fvisibility-inlines-hidden
SHLIB_LINK     = -lsimdjson -lzstd -lstdc++ -Wl,--exclude-libs,ALL

# No JIT bitcode: clang 14 would compile C++20 a second time for no gain. PGXS links with $(COMPILER): make it C++.
override with_llvm = no
override COMPILER = $(CXX) $(CXXFLAGS)

PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs))
ifeq (,$(and $(PGXS),$(wildcard $(shell $(PG_CONFIG) --includedir-server)/postgres.h)))
$(error no PostgreSQL server headers where `$(PG_CONFIG) --includedir-server` says. Install them with `make deps`, or give PG_CONFIG)
endif
include $(PGXS)

# libstdc++ marks its templates as visible, so hidden visibility alone would export their instances.
ifneq (,$(filter linux freebsd netbsd openbsd,$(PORTNAME)))
SHLIB_LINK += -Wl,--version-script=extension/exports.map
endif

# PGXS tracks headers only where the server was built with --enable-depend (Debian's is not): track them here.
$(OBJS): %.o: %.cpp
	$(COMPILE.cc) -MMD -MP -o $@ $<
-include $(OBJS:.o=.d)

sql/pgtally--$(EXTVERSION).sql: $(SQL_PARTS) sql/install/order extension/pgtally.control
	cat $(SQL_PARTS) > $@.tmp && mv $@.tmp $@
sql/pgtally_%--$(EXTVERSION).sql: sql/bridge/%.sql extension/pgtally_%.control
	cp $< $@.tmp && mv $@.tmp $@

# tallyd has a makefile of its own: PGXS builds either a module or a program. TALLYD=no leaves it out.
.PHONY: tallyd install-tallyd uninstall-tallyd clean-tallyd
clean: clean-tallyd
ifneq ($(TALLYD),no)
all: tallyd
install: install-tallyd
uninstall: uninstall-tallyd
endif
tallyd:
	$(MAKE) -C httpd all
install-tallyd: tallyd
	$(MAKE) -C httpd install
uninstall-tallyd:
	$(MAKE) -C httpd uninstall
clean-tallyd:
	$(MAKE) -C httpd clean

endif
