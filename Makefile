# What is linked into what is the trust model: read these lists first.
#
# A room's objects are its folder's; a program is the rooms it may hold.
#   worker/contract   what crosses the pipe		-> everybody
#   worker/runtime    the process that honours it	-> connectors only
#   sandbox           takes authority away		-> connectors, launcher
#   launcher/*        client of the contract		-> launcher's programs only
B		= build

CONTRACT	= $(call room,worker/contract)
RUNTIME		= $(call room,worker/runtime)
SANDBOX		= $(call room,sandbox)
CORE		= $(call room,launcher/core)
CLI		= $(call room,launcher/cli)
BROKER		= $(call room,launcher/broker)
PRACTICE	= $(call room,launcher/practice)
room		= $(patsubst %.c,$(B)/%.o,$(sort $(wildcard $(1)/*.c)))

PROGRAMS	= $(B)/bin/bascule $(B)/libexec/bascule-broker $(B)/libexec/bascule-practice
CONNECTORS	= $(patsubst connectors/%/connector-spec.json,%,$(wildcard connectors/*/connector-spec.json))
EVIL		= $(patsubst tests/evil/%/connector-spec.json,%,$(wildcard tests/evil/*/connector-spec.json))
UNIT		= $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ		= $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

# Libraries, by program: a launcher has no libcurl, a worker no libevent.
LIBS_base	= -lcjson -lbsd
LIBS_sandbox	= -lseccomp
LIBS_worker	= -lcurl -lssl -lcrypto
LIBS_launcher	= -lcrypto
LIBS_practice	= -levent_openssl -levent -lssl -lcrypto -lm
LIBS_unit	= -lcmocka

STD		= -std=gnu17 -D_GNU_SOURCE -I. -I$(B)/gen
WARN		= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
		  -Wno-format-nonliteral -Wvla -Wwrite-strings -Wno-missing-field-initializers
HARDEN		= -fPIE -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2
CFLAGS		?= -O2 -g
LINK		= $(CC) -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(CFLAGS) $(LDFLAGS)

all: $(PROGRAMS) $(foreach c,$(CONNECTORS),$(B)/connectors/$(c)/$(c) $(B)/connectors/$(c)/connector-spec.json)

$(B)/bin/bascule: $(CLI) $(CORE) $(SANDBOX) $(CONTRACT)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS_launcher) $(LIBS_sandbox) $(LIBS_base)

$(B)/libexec/bascule-broker: $(BROKER) $(SANDBOX) $(CONTRACT)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS_sandbox) $(LIBS_base) -lpthread

$(B)/libexec/bascule-practice: $(PRACTICE) $(CONTRACT)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS_practice) $(LIBS_base)

# A connector: its own folder, the runtime, the sandbox, the contract. No launcher object.
define connector_rules
$(B)/connectors/$(1)/$(1): $$(call room,connectors/$(1)) $$(RUNTIME) $$(SANDBOX) $$(CONTRACT)
	@mkdir -p $$(@D)
	$$(LINK) -o $$@ $$^ $$(LIBS_worker) $$(LIBS_sandbox) $$(LIBS_base)
$(B)/connectors/$(1)/connector-spec.json: connectors/$(1)/connector-spec.json
	@mkdir -p $$(@D)
	cp $$< $$@
endef
$(foreach c,$(CONNECTORS),$(eval $(call connector_rules,$(c))))

define evil_rules
$(B)/tests/evil/$(1)/$(1): $$(call room,tests/evil/$(1)) $$(RUNTIME) $$(SANDBOX) $$(CONTRACT)
	@mkdir -p $$(@D)
	$$(LINK) -o $$@ $$^ $$(LIBS_worker) $$(LIBS_sandbox) $$(LIBS_base)
$(B)/tests/evil/$(1)/connector-spec.json: tests/evil/$(1)/connector-spec.json
	@mkdir -p $$(@D)
	cp $$< $$@
endef
$(foreach c,$(EVIL),$(eval $(call evil_rules,$(c))))
evil-connectors: $(foreach c,$(EVIL),$(B)/tests/evil/$(c)/$(c) $(B)/tests/evil/$(c)/connector-spec.json)

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
$(B)/lib/practice.a: $(filter-out $(B)/launcher/practice/main.o,$(PRACTICE))
$(B)/lib/scim.a: $(filter-out $(B)/connectors/scim/main.o,$(call room,connectors/scim))
$(B)/lib/github.a: $(filter-out $(B)/connectors/github/main.o,$(call room,connectors/github))
ARCHIVES	= $(addprefix $(B)/lib/,scim.a github.a cli.a core.a broker.a practice.a runtime.a sandbox.a contract.a)

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(LINK) -o $@ $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group \
	    $(LIBS_unit) $(LIBS_worker) $(LIBS_practice) $(LIBS_sandbox) $(LIBS_base) -lpthread

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(HARDEN) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(shell find $(B) -name '*.d' 2>/dev/null)

unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "== $$t"; $$t; done

clean:
	rm -rf $(B)

.PHONY: all unit clean evil-connectors
.SECONDARY:
