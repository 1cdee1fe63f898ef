# What is linked into what is the trust model: read these lists first.
#
# A room's objects are its folder's; a program is the rooms it may hold.
#   worker/contract   what crosses the pipe		-> everybody
#   worker/runtime    the process that honours it	-> connectors only
#   worker/guest      a worker that becomes a program of somebody else's	-> connectors/node, connectors/exec
#   worker/absent     what needs files to load from, refused	-> connectors, bascule
#   worker/late       what a library makes ready at its start, made when it is asked for	-> connectors
#   sandbox           takes authority away		-> connectors, launcher
#   launcher/*        client of the contract		-> launcher's programs only
B		= build

CONTRACT	= $(call room,worker/contract)
RUNTIME		= $(call room,worker/runtime)
SANDBOX		= $(call room,sandbox)
ABSENT		= $(call room,worker/absent)
LATE		= $(call room,worker/late)
GUEST		= $(call room,worker/guest) $(B)/worker/runtime/nursery.o $(B)/worker/runtime/heap.o $(SANDBOX) $(CONTRACT)
WORKER		= $(RUNTIME) $(SANDBOX) $(CONTRACT) $(ABSENT_$(WORKER_LINK))
CORE		= $(call room,launcher/core)
CLI		= $(call room,launcher/cli)
BROKER		= $(call room,launcher/broker)
PRACTICE	= $(call room,launcher/practice)
SERVE		= $(call room,launcher/serve)
SUPERVISE	= $(call room,launcher/supervise)
STORE		= $(call room,launcher/store)
REGISTRY	= $(call room,launcher/registry)
UNPACK		= $(call room,launcher/unpack)
room		= $(patsubst %.c,$(B)/%.o,$(sort $(wildcard $(1)/*.c)))

PROGRAMS	= $(B)/bin/bascule $(addprefix $(B)/libexec/bascule-,broker practice serve supervise unpack)
CONNECTORS	= $(filter-out $(patsubst connectors/%/rest.json,%,$(wildcard connectors/*/rest.json)),\
		  $(patsubst connectors/%/connector-spec.json,%,$(wildcard connectors/*/connector-spec.json)))
EVIL		= $(patsubst tests/evil/%/connector-spec.json,%,$(wildcard tests/evil/*/connector-spec.json))
# Runs bundles of the platform's SDK; a connector only together with one.
NODE_HOST	= $(B)/connectors/node/host.js $(B)/connectors/node/node
EXEC_HOST	= $(B)/connectors/exec/exec
UNIT		= $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ		= $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

# Libraries, by program: a launcher has no libcurl, a worker no libevent.
LIBS_base	= -lcjson -lbsd
LIBS_sandbox	= -lseccomp
LIBS_worker	= -lcurl -lssl -lcrypto
LIBS_launcher	= -levent_core -lcrypto
LIBS_practice	= -levent_openssl -levent -lssl -lcrypto -lm
LIBS_serve	= -levent_openssl -levent -lssl -lcrypto -lz -lzstd
LIBS_store	= -lsqlite3
LIBS_unpack	= -larchive
LIBS_unit	= -lcmocka

# A connector holds all of its libraries, and is one file without a loader: its nursery maps a dozen pieces
# where three libraries beside it made thirty, and every fork copies as much less.  libcurl and cJSON are made for it (worker/libraries.sh).
# make SHARED=1: the system's libraries, found anew at each start; so too for sanitizers, which cannot be held.
WORKER_LINK	= $(if $(SHARED)$(findstring -fsanitize,$(CFLAGS)),shared,static)
ABSENT_static	= $(ABSENT) $(LATE) $(B)/static/libcurl.a $(B)/static/libcjson.a
CONNECTOR_shared = $(LIBS_worker) $(LIBS_sandbox) $(LIBS_base)
CONNECTOR_static = $(ORDER) -Wl,--wrap=SSL_CTX_new,--wrap=dlopen $(LATE_wraps) -Wl,--gc-sections -lnghttp2 -lssl -lcrypto \
		  -lzstd -lbrotlidec -lbrotlicommon -lz -lseccomp -lbsd -lmd
LATE_wraps	= -Wl,--wrap=ossl_err_load_crypto_strings,--wrap=ossl_err_load_SSL_strings,--wrap=ERR_error_string_n
LIBS_connector	= $(CONNECTOR_$(WORKER_LINK))
LINK_one	= $(CC) $(if $(filter static,$(WORKER_LINK)),-static-pie,-pie) $(LINK_FLAGS)
# What workers run lies together, so that half as many pages of text are copied by a fork (make hot makes the list).
# Of the linkers that are asked for, one can order functions; without it all is well but slower.
LLD		:= $(shell command -v ld.lld)
ORDER		= $(if $(LLD),-fuse-ld=lld -Wl$(comma)--symbol-ordering-file=worker/hot.txt$(comma)--no-warn-symbol-ordering$(comma)--pack-dyn-relocs=relr,-Wl$(comma)-z$(comma)pack-relative-relocs)

STD		= -std=gnu17 -D_GNU_SOURCE -I. -I$(B)/gen
WARN		= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
		  -Wno-format-nonliteral -Wvla -Wwrite-strings -Wno-missing-field-initializers
HARDEN		= -ffunction-sections -fPIE -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2
CFLAGS		?= -O2 -g
LINK_FLAGS	= -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(CFLAGS) $(LDFLAGS)
LINK		= $(CC) -pie $(LINK_FLAGS)

all: described $(PROGRAMS) $(foreach c,$(CONNECTORS),$(B)/connectors/$(c)/$(c) $(B)/connectors/$(c)/connector-spec.json) $(NODE_HOST) $(EXEC_HOST)

# One file too: to find and link its libraries took a third of a cold start.
CLI_shared	= $(LIBS_launcher) $(LIBS_sandbox) $(LIBS_base)
CLI_static	= -Wl,--wrap=dlopen -Wl,--gc-sections,-z,pack-relative-relocs -levent_core -lcrypto -lseccomp -lbsd -lmd
CLI_LIBS_static	= $(ABSENT) $(B)/static/libcjson.a
$(B)/bin/bascule: $(CLI) $(CORE) $(SANDBOX) $(CONTRACT) $(CLI_LIBS_$(WORKER_LINK))
	@mkdir -p $(@D)
	$(LINK_one) -o $@ $^ $(CLI_$(WORKER_LINK))

# It needs the system's resolver, and nothing else of the system's: to find and link more took a third of its start.
BROKER_shared	= $(LIBS_sandbox) $(LIBS_base)
BROKER_static	= -Wl,--gc-sections,-z,pack-relative-relocs -Wl,-Bstatic -lseccomp -lbsd -lmd -Wl,-Bdynamic
BROKER_LIBS_static = $(B)/static/libcjson.a
$(B)/libexec/bascule-broker: $(BROKER) $(SANDBOX) $(CONTRACT) $(BROKER_LIBS_$(WORKER_LINK))
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(BROKER_$(WORKER_LINK)) -lpthread

$(B)/libexec/bascule-practice: $(PRACTICE) $(CONTRACT)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS_practice) $(LIBS_base)

$(B)/libexec/bascule-unpack: $(UNPACK) $(SANDBOX) $(CONTRACT)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS_unpack) $(LIBS_sandbox) $(LIBS_base)

$(B)/libexec/bascule-serve: $(SERVE) $(STORE) $(REGISTRY) $(CORE) $(SANDBOX) $(CONTRACT)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS_serve) $(LIBS_store) $(LIBS_sandbox) $(LIBS_base)
# The core comes as an archive, and what is not called is left out: no border, no parser (tests/check-links.sh).
$(B)/libexec/bascule-supervise: $(SUPERVISE) $(B)/lib/core.a $(B)/lib/sandbox.a $(B)/lib/contract.a
	@mkdir -p $(@D)
	$(LINK) -Wl,--gc-sections -o $@ $^ $(LIBS_launcher) $(LIBS_sandbox) $(LIBS_base)
$(B)/launcher/serve/show.o: launcher/serve/openapi.json

# Filters are made by libseccomp once, here, and not at each start.
$(B)/sandbox/built/write: $(B)/sandbox/built/write.o $(B)/sandbox/seccomp.o $(filter $(B)/sandbox/rules_%,$(SANDBOX))
	$(LINK) -o $@ $^ $(LIBS_sandbox)
$(B)/gen/filters_built.h: $(B)/sandbox/built/write
	@mkdir -p $(@D)
	$< >$@.new && mv $@.new $@
$(B)/sandbox/enter.o: $(B)/gen/filters_built.h

# A connector: its own folder, the runtime, the sandbox, the contract. No launcher object.
define connector_rules
$(B)/connectors/$(1)/$(1): $$(call room,connectors/$(1)) $$(WORKER)
	@mkdir -p $$(@D)
	$$(LINK_one) -o $$@ $$^ $$(LIBS_connector)
$(B)/connectors/$(1)/connector-spec.json: connectors/$(1)/connector-spec.json
	@mkdir -p $$(@D)
	cp $$< $$@
endef
$(foreach c,$(CONNECTORS),$(eval $(call connector_rules,$(c))))

# One file too, for the same reason.
HOST_shared	= $(LIBS_sandbox) $(LIBS_base)
HOST_static	= -Wl,--gc-sections,-z,pack-relative-relocs -lseccomp -lbsd -lmd
HOST_LIBS_static = $(B)/static/libcjson.a
$(B)/connectors/node/node: $(call room,connectors/node) $(GUEST) $(HOST_LIBS_$(WORKER_LINK))
	@mkdir -p $(@D)
	$(LINK_one) -o $@ $^ $(HOST_$(WORKER_LINK))
$(B)/connectors/exec/exec: $(call room,connectors/exec) $(GUEST) $(HOST_LIBS_$(WORKER_LINK))
	@mkdir -p $(@D)
	$(LINK_one) -o $@ $^ $(HOST_$(WORKER_LINK))
$(B)/connectors/node/host.js: connectors/node/join.sh $(wildcard connectors/node/*.js)
	@mkdir -p $(@D)
	sh connectors/node/join.sh $(wildcard connectors/node/*.js) >$@.new
	mv $@.new $@

# Described connectors: files only, and one program that runs all of them.
$(B)/libexec/bascule-rest: $(call room,connectors/rest) $(WORKER)
	@mkdir -p $(@D)
	$(LINK_one) -o $@ $^ $(LIBS_connector)
DESCRIBED	= $(patsubst %/rest.json,%,$(wildcard connectors/*/rest.json tests/rest/*/rest.json))
define described_rules
$(B)/$(1)/%.json: $(1)/%.json
	@mkdir -p $$(@D)
	cp $$< $$@
endef
$(foreach d,$(DESCRIBED),$(eval $(call described_rules,$(d))))
described: $(B)/libexec/bascule-rest $(foreach d,$(DESCRIBED),$(B)/$(d)/rest.json $(B)/$(d)/connector-spec.json)

define evil_rules
$(B)/tests/evil/$(1)/$(1): $$(call room,tests/evil/$(1)) $$(WORKER)
	@mkdir -p $$(@D)
	$$(LINK_one) -o $$@ $$^ $$(LIBS_connector)
$(B)/tests/evil/$(1)/connector-spec.json: tests/evil/$(1)/connector-spec.json
	@mkdir -p $$(@D)
	cp $$< $$@
endef
$(foreach c,$(EVIL),$(eval $(call evil_rules,$(c))))
evil-connectors: $(foreach c,$(EVIL),$(B)/tests/evil/$(c)/$(c) $(B)/tests/evil/$(c)/connector-spec.json)

$(B)/static/libcurl.a $(B)/static/libcjson.a &: worker/libraries.sh
	@worker/libraries.sh $(@D)
	@touch $(B)/static/libcurl.a $(B)/static/libcjson.a

# Unit tests link archives, so that each takes only what it tests.
$(B)/lib/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^
RUNTIME_LIB	= $(filter-out $(B)/worker/runtime/main.o,$(RUNTIME))
$(B)/lib/contract.a: $(CONTRACT)
$(B)/lib/runtime.a: $(RUNTIME_LIB)
$(B)/lib/sandbox.a: $(SANDBOX)
$(B)/lib/core.a: $(CORE)
$(B)/lib/cli.a: $(filter-out $(B)/launcher/cli/main.o,$(CLI))
$(B)/lib/broker.a: $(filter-out $(B)/launcher/broker/main.o,$(BROKER))
$(B)/lib/store.a: $(STORE)
$(B)/lib/registry.a: $(REGISTRY)
$(B)/lib/unpack.a: $(filter-out $(B)/launcher/unpack/main.o,$(UNPACK))
$(B)/lib/practice.a: $(filter-out $(B)/launcher/practice/main.o,$(PRACTICE))
$(B)/lib/serve.a: $(filter-out $(B)/launcher/serve/main.o,$(SERVE))
$(B)/lib/scim.a: $(filter-out $(B)/connectors/scim/main.o,$(call room,connectors/scim))
$(B)/lib/rest.a: $(filter-out $(addprefix $(B)/connectors/rest/,main.o load.o),$(call room,connectors/rest))
$(B)/lib/github.a: $(filter-out $(B)/connectors/github/main.o,$(call room,connectors/github))
# Connectors never meet in one program, and may use the same names: a test takes the one that it is called by.
CONNECTOR_ARCHIVES = $(addprefix $(B)/lib/,scim.a rest.a github.a)
own_archive	= $(foreach c,scim rest github,$(if $(findstring test_$(c)_,$(1)),$(B)/lib/$(c).a))
ARCHIVES	= $(addprefix $(B)/lib/,cli.a core.a broker.a practice.a serve.a store.a registry.a unpack.a runtime.a sandbox.a contract.a)

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(ARCHIVES) $(CONNECTOR_ARCHIVES)
	@mkdir -p $(@D)
	$(LINK) -o $@ $< -Wl,--start-group $(call own_archive,$@) $(ARCHIVES) -Wl,--end-group \
	    $(LIBS_unit) $(LIBS_worker) $(LIBS_practice) $(LIBS_serve) $(LIBS_store) $(LIBS_unpack) $(LIBS_sandbox) $(LIBS_base) -lpthread

# Its libraries are in it, as they are in a connector.
$(B)/tests/unit/test_late: $(B)/tests/unit/test_late.o $(LATE)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LATE_wraps) -Wl,-Bstatic -lssl -lcrypto -Wl,-Bdynamic $(LIBS_unit)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(HARDEN) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(shell find $(B) -name '*.d' 2>/dev/null)

# libFuzzer targets need clang; they link everything that is not a main().
FUZZ_CC		= clang -fsanitize=fuzzer,address,undefined -g -O1
FUZZ_SRC	= $(wildcard worker/contract/*.c) $(filter-out worker/runtime/main.c,$(wildcard worker/runtime/*.c)) \
		  $(filter-out launcher/broker/main.c,$(wildcard launcher/broker/*.c)) \
		  $(filter-out launcher/practice/main.c,$(wildcard launcher/practice/*.c)) $(wildcard sandbox/*.c) \
		  $(addprefix launcher/core/,relay.c line_buf.c locked.c digest.c) \
		  $(filter-out $(addprefix connectors/rest/,main.c load.c),$(wildcard connectors/rest/*.c))
FUZZ_SECONDS	?= 20
$(B)/fuzz.a: $(FUZZ_SRC) $(B)/gen/filters_built.h
	@mkdir -p $(B)/fuzz && rm -f $@
	@for f in $(FUZZ_SRC); do clang -fsanitize=fuzzer-no-link,address,undefined -g -O1 $(STD) -c $$f \
	    -o $(B)/fuzz/$$(echo $$f | tr / _).o || exit 1; done
	$(AR) rcs $@ $(B)/fuzz/*.o
$(B)/tests/fuzz/%: tests/fuzz/%.c $(B)/fuzz.a
	@mkdir -p $(@D)
	$(FUZZ_CC) $(STD) -o $@ $< $(B)/fuzz.a $(LIBS_worker) $(LIBS_launcher) $(LIBS_practice) $(LIBS_sandbox) $(LIBS_base) -lpthread
fuzz: $(FUZZ)
	@mkdir -p $(B)/logs
	@set -e; for t in $(FUZZ); do n=$${t##*/fuzz_}; mkdir -p $(B)/corpus/$$n; \
	    $$t -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	    -artifact_prefix=$(B)/logs/ $(B)/corpus/$$n $$(test -d tests/cases/$$n && echo tests/cases/$$n) \
	    >$(B)/logs/fuzz_$$n.log 2>&1 || { echo "FAILED fuzz_$$n"; tail -n 30 $(B)/logs/fuzz_$$n.log; exit 1; }; \
	    echo "ok      fuzz_$$n: $$(sed -n 's/.*number_of_executed_units: *//p' $(B)/logs/fuzz_$$n.log) runs"; done

unit: $(UNIT) all evil-connectors
	@tests/run.sh unit
integration: all evil-connectors gates
	@tests/run.sh integration
evil: all evil-connectors
	@tests/run.sh evil

# The filters as text; read the difference before it is committed.
filters: $(B)/tests/unit/test_filters
	@$< --write tests/cases/filters && git diff --stat -- tests/cases/filters

# Which rules the integration tests need, under strace.
filters-used: all $(addprefix $(B)/tests/unit/test_,filters_used broker broker_dns broker_life)
	@tests/filters-used.sh $(B) && git diff --stat -- tests/cases/filters

demo:
	@tests/deps.sh build
	@$(MAKE) -s -j2 all
	@tests/demo.sh $(B)

lint:
	@sh tests/check-rooms.sh || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
	@sh tests/check-links.sh $(B)
	@for m in $(MANUALS); do mandoc -T lint -W warning $$m || exit 1; done

check:
	@tests/deps.sh check
	@$(MAKE) -s -j2 all evil-connectors gates
	@$(MAKE) -s -j2 $(UNIT)
	@$(MAKE) -s lint
	@tests/run.sh all

# Other machines than this one: other kernels, systemd as process 1.  Downloads hundreds of megabytes; tests/vm/README.md.
vm-check:
	@tests/deps.sh check
	@$(MAKE) -s -j2 all evil-connectors gates
	@$(MAKE) -s -j2 $(UNIT)
	@B=$(B) tests/vm/run.sh $(VM)

# The image with the hostile suite in it, the units, the manifests.
containers: all evil-connectors
	@tests/run.sh containers

# Heavier: sanitizers, every fuzz target for a while, the other compiler, containers.
check-all:
	@tests/deps.sh all
	@$(MAKE) -s -j2 B=$(B)/clang CC=clang all
	@$(MAKE) -s asan
	@$(MAKE) -s ubsan
	@$(MAKE) -s fuzz FUZZ_SECONDS=10
	@$(MAKE) -s containers
	@$(MAKE) -s bench-serve BENCH_ARGS="--minutes 2" | tee $(B)/logs/bench-serve.log; ! grep -q "^not ok\|^Bail" $(B)/logs/bench-serve.log
	@$(MAKE) -s bench BENCH_ARGS=--quick >$(B)/logs/bench.log 2>&1 || { tail -n 20 $(B)/logs/bench.log; exit 1; }
	@TENANTS_CALLS=10000 BASCULE=$(CURDIR)/$(B)/bin/bascule tests/integration/tenants.t
	@echo "$$(( 7 + $(words $(FUZZ)) )) passed, 0 failed, 0 skipped"

# One sanitizer, one clean tree of its own.  The filter and the limits cannot stand
# under a sanitizer's runtime: unit tests only.
asan ubsan:
	@$(MAKE) -s -j2 B=$(B)/$@ HARDEN= CFLAGS='-O1 -g -fno-omit-frame-pointer -DBASCULE_SANITIZER -fsanitize=$(SAN_$@) -fno-sanitize-recover=all' \
	    unit-run
SAN_asan	= address
SAN_ubsan	= undefined
unit-run: all $(UNIT)
	@set -e; for t in $(UNIT); do $$t >/dev/null || { echo "FAILED $$t"; exit 1; }; done; echo "$(words $(UNIT)) test programs passed"

# Each layer taken away in turn, as a table in the room's README.  Such a build can go without its filter: never install it.
ablation:
	@$(MAKE) -s -j2 B=$(B)/ablation CFLAGS='-O2 -g -DBASCULE_SANITIZER' all evil-connectors
	@tests/evil/ablation.sh $(B)/ablation >$(B)/ablation/table.md
	@tests/evil/ablation_guests.pl $(B)/ablation >$(B)/ablation/guests.md
	@sed -i -e '/^<!-- guests -->$$/,/^<!-- end of guests -->$$/{/^<!--/!d}' -e '/^<!-- guests -->$$/r $(B)/ablation/guests.md' sandbox/README.md
	@sed -i -e '/^<!-- ablation -->$$/,/^<!-- end -->$$/{/^<!--/!d}' -e '/^<!-- ablation -->$$/r $(B)/ablation/table.md' sandbox/README.md

# What it measures and how: tests/bench/main.c.  Never part of check, but for the gates, which count and use no clock.
BENCH		= $(addprefix $(B)/tests/bench/,bench gates floor warm hold) $(B)/tests/libexec/bascule-broker \
		  $(foreach c,connector phased,$(B)/tests/bench/$(c)/$(c) $(B)/tests/bench/$(c)/connector-spec.json)
WRAP		= $(addprefix -Wl$(comma)--wrap=,$(1))
comma		= ,
BENCH_OBJ	= $(filter-out $(addprefix $(B)/tests/bench/,floor.o gates.o counted.o warm.o hot.o),$(call room,tests/bench))
$(B)/tests/bench/bench: $(BENCH_OBJ) $(B)/lib/core.a $(B)/lib/sandbox.a $(B)/lib/contract.a
	$(LINK) $(call WRAP,sandbox_clone sandbox_map_ids root_take ids_become root_enter rlimits_set landlock_load filter_enter \
	    sandbox_verify worker_born) \
	    -o $@ $^ $(LIBS_launcher) $(LIBS_sandbox) $(LIBS_base) -lm
$(B)/tests/bench/warm: $(B)/tests/bench/warm.o
	$(LINK) -o $@ $^ -lcurl -lcjson
$(B)/tests/bench/gates: $(addprefix $(B)/tests/bench/,gates.o call.o place.o) $(B)/lib/core.a $(B)/lib/sandbox.a $(B)/lib/contract.a
	$(LINK) -o $@ $^ $(LIBS_launcher) $(LIBS_sandbox) $(LIBS_base)
$(B)/tests/bench/hot: $(addprefix $(B)/tests/bench/,hot.o call.o place.o) $(B)/lib/core.a $(B)/lib/sandbox.a $(B)/lib/contract.a
	$(LINK) -o $@ $^ $(LIBS_launcher) $(LIBS_sandbox) $(LIBS_base)
$(B)/tests/bench/counted: $(B)/tests/bench/counted.o $(B)/lib/runtime.a $(B)/lib/contract.a
	$(LINK) -o $@ $^ $(LIBS_base)
$(B)/tests/bench/floor: $(B)/tests/bench/floor.o
	$(CC) -static $(CFLAGS) $(LDFLAGS) -o $@ $^
$(B)/tests/bench/connector/connector: $(call room,tests/bench/connector) $(WORKER)
	$(LINK_one) -o $@ $^ $(LIBS_connector)
$(B)/tests/bench/phased/phased: $(call room,tests/bench/phased) $(WORKER)
	$(LINK_one) $(call WRAP,spec_load fetch_preload sandbox_lock sandbox_fork sandbox_shed request_parse) \
	    -o $@ $^ $(LIBS_connector)
$(B)/tests/bench/%/connector-spec.json: tests/bench/%/connector-spec.json
	@mkdir -p $(@D)
	cp $< $@
# The core looks for the broker beside the program it is in.
$(B)/tests/libexec/bascule-broker: $(B)/libexec/bascule-broker
	@mkdir -p $(@D)
	ln -sf ../../libexec/bascule-broker $@
gates: $(B)/tests/bench/counted $(filter-out $(addprefix $(B)/tests/bench/,bench warm hold phased/%),$(BENCH))
# The same with the system's libraries, for the table.
bench-shared:
	@$(MAKE) -s SHARED=1 B=$(B)/shared $(addprefix $(B)/shared/tests/bench/connector/,connector connector-spec.json)
bench-programs: all evil-connectors bench-shared $(BENCH)
# bascule serve under load; BENCH_ARGS="--minutes N" of the soak, an hour by default.
BENCH_SERVE	= $(addprefix $(B)/tests/bench/,hold pace)
$(BENCH_SERVE): $(B)/tests/bench/%: $(B)/tests/bench/serve/%.o
	$(LINK) -o $@ $^ -lpthread
bench-serve: all evil-connectors gates $(BENCH_SERVE)
	@tests/bench/serve/run.sh $(B) $(BENCH_ARGS)
# The order of functions in connectors; read the difference before it is committed.
hot: $(B)/tests/bench/hot $(B)/tests/bench/connector/connector $(B)/tests/bench/connector/connector-spec.json
	@tests/bench/hot.sh $(B) >$(B)/hot.txt && mv $(B)/hot.txt worker/hot.txt && git diff --stat -- worker/hot.txt
bench: bench-programs
	@$(B)/tests/bench/bench $(BENCH_ARGS)
# What the last run measured, into README.md.
bench-table:
	@tests/bench/readme.sh $(B)

MANUALS		= $(wildcard launcher/*/*.[178] worker/contract/*.7 connectors/*/*.7 sandbox/*.7)
prefix		?= /usr
install: all
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/libexec/bascule $(DESTDIR)$(prefix)/lib/bascule/connectors
	install -m 755 $(B)/bin/bascule $(DESTDIR)$(prefix)/bin/
	install -m 755 $(filter $(B)/libexec/%,$(PROGRAMS)) $(B)/libexec/bascule-rest $(DESTDIR)$(prefix)/libexec/bascule/
	for c in $(CONNECTORS); do install -d $(DESTDIR)$(prefix)/lib/bascule/connectors/$$c && \
	    install -m 755 $(B)/connectors/$$c/$$c $(DESTDIR)$(prefix)/lib/bascule/connectors/$$c/ && \
	    install -m 644 $(B)/connectors/$$c/connector-spec.json $(DESTDIR)$(prefix)/lib/bascule/connectors/$$c/ || exit 1; done
	install -d $(DESTDIR)$(prefix)/lib/bascule/connectors/node
	install -m 644 $(filter %.js,$(NODE_HOST)) $(DESTDIR)$(prefix)/lib/bascule/connectors/node/
	install -m 755 $(B)/connectors/node/node $(DESTDIR)$(prefix)/lib/bascule/connectors/node/
	for d in $(filter connectors/%,$(DESCRIBED)); do to=$(DESTDIR)$(prefix)/lib/bascule/$$d && install -d $$to && \
	    install -m 644 $(B)/$$d/connector-spec.json $(B)/$$d/rest.json $$to/ || exit 1; done
	install -d $(DESTDIR)$(prefix)/lib/bascule/connectors/exec
	install -m 755 $(EXEC_HOST) $(DESTDIR)$(prefix)/lib/bascule/connectors/exec/
	install -d $(DESTDIR)$(prefix)/lib/systemd/system
	for u in bascule.service bascule.socket; do sed 's,/usr/bin/,$(prefix)/bin/,' containers/$$u \
	    >$(DESTDIR)$(prefix)/lib/systemd/system/$$u || exit 1; done
	for m in $(MANUALS); do d=$(DESTDIR)$(prefix)/share/man/man$${m##*.}; install -d $$d && install -m 644 $$m $$d/ || exit 1; done
	if [ -f launcher/cli/bascule.bash ]; then install -d $(DESTDIR)$(prefix)/share/bash-completion/completions && \
	    install -m 644 launcher/cli/bascule.bash $(DESTDIR)$(prefix)/share/bash-completion/completions/bascule; fi
uninstall:
	rm -f $(DESTDIR)$(prefix)/bin/bascule $(DESTDIR)$(prefix)/share/bash-completion/completions/bascule
	rm -rf $(DESTDIR)$(prefix)/libexec/bascule $(DESTDIR)$(prefix)/lib/bascule
	rm -f $(DESTDIR)$(prefix)/lib/systemd/system/bascule.service $(DESTDIR)$(prefix)/lib/systemd/system/bascule.socket
	for m in $(MANUALS); do rm -f $(DESTDIR)$(prefix)/share/man/man$${m##*.}/$${m##*/}; done

clean:
	rm -rf $(B)

.PHONY: vm-check hot described ablation bench-shared bench-table check-all all unit integration evil demo lint check asan ubsan unit-run bench bench-programs gates fuzz filters filters-used install uninstall clean evil-connectors
.SECONDARY:
