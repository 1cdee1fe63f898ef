/*
 * doctor.h -- between the files of `bascule doctor`.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "launcher/cli/cli.h"
#include "sandbox/sandbox.h"

#define FINDINGS_MAX		96
#define FINDING_TEXT_BYTES	320

enum finding_state {
	FOUND,		/* tried, and it holds */
	MISSING,	/* needed, and it does not */
	ABSENT,		/* not there, and not needed */
	WAIVED,		/* done without, as asked; tried all the same */
	FINDING__MAX
};

struct finding {
	const char		*group;		/* layer, or "broker", "connector" */
	enum sandbox_layer	 layer;		/* LAYER_INVALID: not one */
	enum finding_state	 state;
	char			 name[CONNECTOR_NAME_MAX + 1];
	char			 text[FINDING_TEXT_BYTES];
};

struct findings {
	const struct layers_asked *asked;
	struct finding		 rows[FINDINGS_MAX];
	size_t			 n, cut;	/* cut: had no room */
};

/* doctor_try.c: tries everything. */
void	 doctor_try(struct findings *);
const char *finding_state_name(enum finding_state);

/*
 * doctor_advice.c: why a layer is missing here, what would allow it, and what stops a connector without it.
 * {"layer":..., "why":[...], "allow":[...], "remains":..., "lost":...}, owned by the caller.
 */
cJSON	*doctor_advice(enum sandbox_layer, const char *found);

#endif
