/*
 * filter_private.h -- what filters are made of; between filter.c (values and lists) and filter_text.c.
 */
#ifndef REST_FILTER_PRIVATE_H
#define REST_FILTER_PRIVATE_H

#include "connectors/rest/expr.h"

typedef int	 filter_fn(struct filter_call *, struct value *, struct error *);

int		 filter_no_memory(struct error *);
/* A made value; NULL: there was no memory. */
int		 give(struct value *out, cJSON *v, struct error *);
int		 give_text(struct value *out, const char *s, struct error *);
/* A scalar as text; "" for anything else. */
const char	*text_of(const cJSON *v, char scratch[64]);
const char	*arg_text(const struct filter_call *, size_t i, char scratch[64]);
bool		 arg_number(const struct filter_call *, size_t i, int64_t *n);

filter_fn	 f_lower;
filter_fn	 f_upper;
filter_fn	 f_trim;
filter_fn	 f_date;
filter_fn	 f_addsec;
filter_fn	 f_now;
filter_fn	 f_sha256;
filter_fn	 f_hmac;
filter_fn	 f_b64;
filter_fn	 f_b64url;
filter_fn	 f_hex;
filter_fn	 f_uuid;
filter_fn	 f_json;
filter_fn	 f_match;
filter_fn	 f_cut;
filter_fn	 f_scimstr;
filter_fn	 f_soqlstr;
filter_fn	 f_adfstr;
filter_fn	 f_split;
/* An element, from the end if negative. */
int		 take_at(struct filter_call *, struct value *out, int64_t at, struct error *);

#endif
