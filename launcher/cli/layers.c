/*
 * layers.c -- which layers of confinement were asked for: --sandbox, --without, --require.
 */
#include <string.h>
#include <unistd.h>

#include "launcher/cli/cli.h"
#include "sandbox/sandbox.h"
#include "worker/contract/util.h"

#define NAMES_BYTES_MAX	256

/* Names of the layers in this set, comma separated. */
static void
names_print(struct buf *b, unsigned int set)
{
	for (enum sandbox_layer l = 0; l < LAYER__MAX; l++)
		if (set & (1u << l))
			buf_addf(b, "%s%s", b->len > 0 ? ", " : "", sandbox_layer_name(l));
}

static unsigned int
waivable(bool yes)
{
	unsigned int	 set = 0;

	for (enum sandbox_layer l = 0; l < LAYER__MAX; l++)
		if (sandbox_layer_waivable(l) == yes)
			set |= 1u << l;
	return set;
}

static int
layer_refuse(const char *option, const char *name, unsigned int those, const char *what, struct error *e)
{
	autobuf	 names;

	buf_init(&names, NAMES_BYTES_MAX);
	names_print(&names, those);
	return error_set(e, ERR_USAGE, "%s %.40s: %s %s", option, name, what, names.data);
}

int
layer_without(struct layers_asked *a, const char *name, struct error *e)
{
	enum sandbox_layer	 l = sandbox_layer_from_name(name);

	if (l == LAYER_INVALID)
		return layer_refuse("--without", name, waivable(true), "no such layer; to be done without are", e);
	if (!sandbox_layer_waivable(l))
		return layer_refuse("--without", name, waivable(false), "never to be done without are", e);
	a->without |= 1u << l;
	return 0;
}

int
layer_require(struct layers_asked *a, const char *name, struct error *e)
{
	enum sandbox_layer	 l = sandbox_layer_from_name(name);

	if (l == LAYER_INVALID)
		return layer_refuse("--require", name, waivable(true) | waivable(false), "no such layer; there are", e);
	a->required |= 1u << l;
	return 0;
}

int
layer_set(struct layers_asked *a, const char *name, struct error *e)
{
	const struct sandbox_set	*s = sandbox_set_from_name(name);
	autobuf				 names;

	buf_init(&names, NAMES_BYTES_MAX);
	if (s != NULL) {
		a->set = s;
		return 0;
	}
	for (s = sandbox_sets; s->name != NULL; s++)
		buf_addf(&names, "%s%s", names.len > 0 ? ", " : "", s->name);
	return error_set(e, ERR_USAGE, "--sandbox %.40s: no such set; there are %s", name, names.data);
}

int
layers_settle(struct layers_asked *a, struct error *e)
{
	if (a->set == NULL)
		a->set = &sandbox_sets[0];
	a->waived = a->set->waived | a->without;
	for (enum sandbox_layer l = 0; l < LAYER__MAX; l++)
		if (a->waived & a->required & (1u << l))
			return error_set(e, ERR_USAGE, "--require %s: --sandbox or --without takes it away",
			    sandbox_layer_name(l));
	return 0;
}

void
layers_say(const struct layers_asked *a)
{
	autobuf	 names;

	buf_init(&names, NAMES_BYTES_MAX);
	if (a->waived == 0)
		return;
	names_print(&names, a->waived);
	cli_say("bascule: confined without %s, as asked", names.data);
}
