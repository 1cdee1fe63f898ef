/*
 * registry.h -- connectors that were uploaded: immutable versions, moving tags, an alias and an id for each; customizers
 * of them likewise; and instances, which say how both are used for one source.
 *
 *   DIR/lock                      one server at a time
 *   DIR/connectors/ID.json        alias, versions, tags: the truth, replaced as a whole
 *   DIR/customizers/ID.json       the same of a customizer, which has a name instead of an alias
 *   DIR/instances/ID.json         a source: its name, its connector, its customizer, what of its config is no secret
 *   DIR/objects/SHA256/source.zip the archive as it was uploaded, under its digest
 *   DIR/objects/SHA256/files/     what was in it
 *   DIR/staged/                   not published yet; gone at the next start
 *
 * Everything is written beside its place, synced and renamed: after kill -9 or a power cut there is what was before, or what
 * was acknowledged.  An object that nothing names any more is removed at the next start, not before: what
 * runs keeps what it started with.
 * Pointers live until the next change.  Not thread-safe.
 */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "worker/contract/error.h"
#include "worker/contract/limits.h"

#define REG_CONNECTORS_MAX	1000u
#define REG_CUSTOMIZERS_MAX	1000u
#define REG_INSTANCES_MAX	2000u
#define REG_CONFIG_BYTES_MAX	(16 * KIB)	/* of an instance, as JSON */
#define REG_CONFIG_KEY_BYTES	128		/* of a member's name that is changed by itself */
#define REG_NAME_BYTES_MAX	128		/* of a customizer, an instance: a text for people */
#define REG_VERSIONS_MAX	10000u		/* of one connector */
#define REG_TAGS_MAX		100u		/* likewise */
#define REG_ALIAS_BYTES_MAX	48		/* with '@' and a version it is still a connector's name */
#define REG_TAG_BYTES_MAX	64
#define REG_ID_BYTES		36		/* a UUID */
#define REG_PROGRAM_BYTES_MAX	64
#define REG_BY_BYTES_MAX	80
#define REG_PATH_BYTES		4096
#define REG_STORED_BYTES_MAX	((uint64_t)8 << 30)	/* of archives and what was in them, unless another bound is set */
#define REG_FILE_BYTES		4096u		/* each file and folder counts for so much more: a block that is not full, its name */
#define REG_LATEST		"latest"	/* the tag that every upload moves */

enum reg_kind {
	REG_NATIVE,		/* program is run */
	REG_BUNDLE,		/* a folder: rest.json, index.js for Node, or what its specification names */
};

struct reg_version {
	uint32_t	 number;			/* from 1 */
	enum reg_kind	 kind;
	char		 sha256[65];
	char		 program[REG_PROGRAM_BYTES_MAX + 1];	/* REG_NATIVE: the file's name */
	char		 by[REG_BY_BYTES_MAX + 1];	/* who uploaded it */
	uint64_t	 bytes;				/* of the archive */
	int64_t		 created_ms;
};

struct reg_tag {
	char		 name[REG_TAG_BYTES_MAX + 1];
	uint32_t	 version;
};

struct reg_connector {
	char		 id[REG_ID_BYTES + 1];
	char		 alias[REG_ALIAS_BYTES_MAX + 1];	/* "": it is a customizer */
	char		 name[REG_NAME_BYTES_MAX + 1];	/* of a customizer */
	int64_t		 created_ms;
	size_t		 nversions, ntags;
	struct reg_version *versions;			/* number i + 1 at i */
	struct reg_tag	*tags;
};

struct reg_instance {
	char		 id[REG_ID_BYTES + 1];
	char		 name[REG_NAME_BYTES_MAX + 1];
	char		 connector[REG_ID_BYTES + 1];	/* its id: in the registry, or of one that came with the server */
	char		 customizer[REG_ID_BYTES + 1];	/* "": none is linked */
	int64_t		 created_ms;
	cJSON		*config;			/* an object, no secret in it; NULL: none is kept */
};

/* Bytes of all archives and their files, before registry_open(); 0: REG_STORED_BYTES_MAX. */
void	registry_bound(uint64_t stored_bytes_max);
/* Makes DIR where there is none.  -1 with *e: it is another server's, others may write it, or a file of it is no good. */
int	registry_open(const char *dir, struct error *e);
void	registry_close(void);
bool	registry_is_open(void);
const char *registry_dir(void);
/* What is on disk, with what nothing names any more until the next start. */
uint64_t registry_stored(void);
/* Would an archive of so many bytes be too much already?  -1 with ERR_LIMIT, which says what to do. */
int	registry_room(uint64_t bytes, struct error *e);

/* By alias; NULL past the last. */
const struct reg_connector	*registry_at(size_t i);
/* By alias or id. */
const struct reg_connector	*registry_find(const char *ref);
/* Customizers: by name; NULL past the last.  By id. */
const struct reg_connector	*registry_customizer_at(size_t i);
const struct reg_connector	*registry_customizer(const char *id);
/* Instances, likewise. */
const struct reg_instance	*registry_instance_at(size_t i);
const struct reg_instance	*registry_instance(const char *id);
/* How many there are of this connector, or with this customizer. */
size_t				 registry_instances_of(const char *id);
const struct reg_version	*reg_version(const struct reg_connector *, uint32_t number);
const struct reg_tag		*reg_tag(const struct reg_connector *, const char *name);
/* Where its files are, and its archive. */
void	reg_folder(const struct reg_version *, char path[REG_PATH_BYTES]);
void	reg_source(const struct reg_version *, char path[REG_PATH_BYTES]);

/* All: 0 and it is on disk, or -1 with *e and nothing has changed.  ERR_REQUEST: refused; its message names the member. */
int	registry_create(const char *alias, const struct reg_connector **out, struct error *e);
int	registry_rename(const char *id, const char *alias, struct error *e);
/* Of either: a connector or a customizer. */
int	registry_delete(const char *id, struct error *e);
int	registry_customizer_create(const char *name, const struct reg_connector **out, struct error *e);
int	registry_customizer_rename(const char *id, const char *name, struct error *e);
/* A new one where its id is "", else in the place of that.  The config is copied. */
int	registry_instance_put(const struct reg_instance *, const struct reg_instance **out, struct error *e);
int	registry_instance_delete(const char *id, struct error *e);
/* Makes the tag or moves it. */
int	registry_tag(const char *id, const char *name, uint32_t version, struct error *e);

/* A folder of its own for an upload, with "files" in it; "source.zip" goes beside that. */
int	registry_stage(char path[REG_PATH_BYTES], struct error *e);
void	registry_unstage(const char *path);
/*
 * What was staged becomes the next version of a connector or a customizer, and REG_LATEST; its files must have been synced.  v: all but number and time.
 * stored: bytes of all that is in the folder, each file and folder, and this one, with REG_FILE_BYTES more; nothing where the same is there already.
 */
int	registry_publish(const char *id, const char *staged, const struct reg_version *v, uint64_t stored, uint32_t *number,
	    struct error *e);

bool	reg_alias_ok(const char *);
bool	reg_name_ok(const char *);
/* Its alias or name. */
const char *reg_called(const struct reg_connector *);
/* A UUID of these bytes' digest: the same for the same text. */
void	reg_uuid_of(const char *text, char id[REG_ID_BYTES + 1]);

/* For tests: called with the name of each step that a change takes on its way to disk. */
extern void	(*registry_step)(const char *step);

#endif
