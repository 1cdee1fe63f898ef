/*
 * disk.h -- between the files of this room: what is on disk.
 */
#ifndef REGISTRY_DISK_H
#define REGISTRY_DISK_H

#include "launcher/registry/registry.h"
#include "worker/contract/buf.h"

/* record.c: one connector as text and back; -1 with *e.  What was read belongs to the caller: reg_free(). */
int	reg_read(const char *path, struct reg_connector *, struct error *e);
void	reg_print(struct buf *, const struct reg_connector *);
void	reg_free(struct reg_connector *);

/* names.c */
int	reg_uuid_new(char id[REG_ID_BYTES + 1], struct error *e);
/* Digits alone would be a version. */
bool	reg_tag_ok(const char *);

/* disk.c */
/* Replaces the file as a whole, on disk once this returns 0. */
int	disk_replace(const char *path, const struct buf *, struct error *e);
int	disk_remove(const char *path, struct error *e);
/* The folder's own entries are on disk. */
int	disk_sync_folder(const char *path, struct error *e);
int	disk_folder(const char *path, struct error *e);
/* A folder with all that is in it; links are removed, not followed. */
/* At the start: adds what its files hold to *n, each with REG_FILE_BYTES. */
int	disk_tree_bytes(const char *path, uint64_t *n, struct error *e);
void	disk_remove_tree(const char *path);
void	disk_step(const char *step);

#endif
