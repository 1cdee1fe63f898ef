/*
 * beta.h -- the doors that clients of the platform know: its paths, its envelope, its errors.
 *
 * Everything outside /v1, the probes and the numbers speaks this dialect.  /v2024, /v2025 and /v2026 are other
 * names of /beta, and so is /connector-customizers/v1 of /beta/connector-customizers.
 *
 * An error is the platform's own object, where /v1 has a problem document (RFC 9457):
 *   {"detailCode":"404 no-connector","trackingId":"...","messages":[{"locale","localeOrigin","text"}],"causes":[...]}
 * detailCode is the status and the cause's word; trackingId is the invocation, or stands in the log.
 */
#ifndef SERVE_BETA_H
#define SERVE_BETA_H

#include <event2/http.h>
#include <stdbool.h>

#define BETA_TENANT		"bascule"
#define BETA_IMAGE_BYTES	32	/* of an image's id: the first digits of its archive's digest */

struct cJSON;
struct exchange;
struct problem;
struct reg_connector;
struct reg_version;

/* Does this path speak it? */
bool		 beta_speaks(const char *path);
/* The same path under the name that the table of routes has for it: "/v2025/x" is "/beta/x"; scratch may hold it.  NULL: too long. */
const char	*beta_path(const char *path, char *scratch, size_t n);
void		 beta_problem(struct evhttp_request *, const struct problem *, int status);

/* POST /beta/platform-connectors/{ref}/invoke and its like. */
void		 beta_invoke(struct exchange *);
/* The same where the path names no connector: "connectorRef" of the body does. */
void		 beta_invoke_bare(struct exchange *);

/* beta_registry.c: connectors, versions, tags. */
void		 beta_connectors(struct exchange *);
void		 beta_connector_create(struct exchange *);
void		 beta_connector_get(struct exchange *);
void		 beta_connector_rename(struct exchange *);
void		 beta_connector_delete(struct exchange *);
void		 beta_versions(struct exchange *);
void		 beta_tags(struct exchange *);
void		 beta_tag_get(struct exchange *);
void		 beta_tag_create(struct exchange *);
void		 beta_tag_move(struct exchange *);
/* The one that the path names, to be changed; NULL: refused, answered. */
const struct reg_connector *beta_connector(struct exchange *);
/* Is there a registry?  False: refused, answered. */
bool		 beta_registry(struct exchange *);
/* Is it in no instance, and may go?  False: refused, answered. */
bool		 beta_unused(struct exchange *, const struct reg_connector *);
/* beta_body.c: a small JSON object for a body; NULL: refused, answered. */
struct cJSON	*beta_object(struct exchange *);
/* A list, of whatever content type: some send none. */
struct cJSON	*beta_array(struct exchange *);
/* beta_list.c: answers with a list, or the page of it that was asked for; takes it. */
void		 beta_list(struct exchange *, struct cJSON *);
/* beta_customizer.c: customizers and their versions. */
void		 beta_customizers(struct exchange *);
void		 beta_customizer_create(struct exchange *);
void		 beta_customizer_get(struct exchange *);
void		 beta_customizer_rename(struct exchange *);
void		 beta_customizer_delete(struct exchange *);
/* The one that the path names; NULL: refused, answered. */
const struct reg_connector *beta_customizer(struct exchange *);
void		 beta_image_id(const struct reg_version *, char id[BETA_IMAGE_BYTES + 1]);
/* beta_instance.c: sources of connectors, with their customizers. */
void		 beta_instances(struct exchange *);
void		 beta_instance_create(struct exchange *);
void		 beta_instance_get(struct exchange *);
void		 beta_instance_replace(struct exchange *);
void		 beta_instance_patch(struct exchange *);
void		 beta_instance_delete(struct exchange *);
/* beta_invoke.c: POST /beta/connector-instances/{id}/invoke. */
void		 beta_instance_invoke(struct exchange *);
/* beta_logs.c: the journal as logs and numbers. */
void		 beta_logs(struct exchange *);
void		 beta_stats(struct exchange *);
/* GET /v1/connectors/{name}/versions/{version}/source: the archive, as it was uploaded. */
void		 show_source(struct exchange *);

#endif
