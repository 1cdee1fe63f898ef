/*
 * upload.h -- POST .../versions: an archive becomes the next version of a connector, or of a customizer.
 *
 * It is spooled to disk and taken apart by bascule-unpack, in a process of its own; the loop goes on meanwhile.  A
 * caller that leaves before the end has uploaded nothing.
 */
#ifndef SERVE_UPLOAD_H
#define SERVE_UPLOAD_H

#include "worker/contract/limits.h"

#define UPLOAD_BYTES_MAX	(64 * MIB)	/* of an archive; evhttp holds it whole before we see it */
#define UPLOADS_MAX		4		/* at once */
#define UPLOAD_MS		SECONDS(120)	/* to be taken apart */
#define UPLOAD_RETRY_S		5

struct error;
struct exchange;

/* Once, while files can be opened. */
int	uploads_open(struct error *e);

void	beta_upload(struct exchange *);
void	beta_customizer_upload(struct exchange *);

#endif
