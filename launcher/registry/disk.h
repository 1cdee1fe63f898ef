/*
 * disk.h -- between the files of this room: what is on disk.
 */
#ifndef REGISTRY_DISK_H
#define REGISTRY_DISK_H

#include <cjson/cJSON.h>

#include "launcher/registry/registry.h"
#include "worker/contract/buf.h"

/* What is of one kind: a folder of records, and what they say, by alias or name. */
enum { SHELF_CONNECTORS, SHELF_CUSTOMIZERS, SHELF__MAX };
struct shelf {
	const char		*folder;
	unsigned int		 max;
	struct reg_connector	*list;
	size_t			 n;
};
extern struct shelf	 shelves[SHELF__MAX];

/* registry.c */
struct reg_connector	*shelf_find(const struct shelf *, const char *ref);
/* Takes *c. */
int	shelf_add(struct shelf *, struct reg_connector *c, struct error *e);
void	shelf_sort(struct shelf *);
void	reg_place(char path[REG_PATH_BYTES], const char *folder, const char *name, const char *behind);
/* So many bytes more are kept. */
void	reg_stored(uint64_t bytes);

/* instance.c */
#define INSTANCES_FOLDER	"instances"
int	instance_read(const char *path, const char *name, struct error *e);
void	instances_sort(void);
void	instances_close(void);

/* record.c: one connector as text and back; -1 with *e.  What was read belongs to the caller: reg_free(). */
int	reg_read(const char *path, bool customizer, struct reg_connector *, struct error *e);
/* A whole file as JSON, at its start; NULL with *e. */
cJSON	*reg_file(const char *path, struct error *e);
/* A text of an object, into n bytes; -1 with *e. */
int	reg_text(const cJSON *, const char *name, char *out, size_t n, struct error *e);
void	reg_print(struct buf *, const struct reg_connector *);
void	reg_free(struct reg_connector *);

/* names.c */
int	reg_uuid_new(char id[REG_ID_BYTES + 1], struct error *e);
/* Digits alone would be a version. */
bool	reg_tag_ok(const char *);
/* Milliseconds since 1970. */
int64_t	reg_now(void);

/* disk.c */
/* Replaces the file as a whole, on disk once this returns 0. */
int	disk_replace(const char *path, const struct buf *, struct error *e);
int	disk_remove(const char *path, struct error *e);
/* The folder's own entries are on disk. */
int	disk_sync_folder(const char *path, struct error *e);
int	disk_folder(const char *path, struct error *e);
/* A folder with all that is in it; links are removed, not followed. */
/* At the start: adds what its files hold to *n, each of them and each folder with REG_FILE_BYTES. */
int	disk_tree_bytes(const char *path, uint64_t *n, struct error *e);
void	disk_remove_tree(const char *path);
void	disk_step(const char *step);

#endif
