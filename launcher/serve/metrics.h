/*
 * metrics.h -- what is counted, for GET /metrics in Prometheus' text format.
 */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include <stdint.h>

#include "worker/contract/error.h"

struct metrics_end {
	const char	*connector, *command;	/* command: a standard name, or "custom" */
	enum err_code	 cause;			/* ERR_NONE: ok */
	int64_t		 first_ms;		/* to the first record; -1: there was none */
	int64_t		 total_ms;
	uint64_t	 records, bytes;
};
/* Once, while files can be opened. */
void	metrics_open(void);
/* An invocation ended. */
void	metrics_end(const struct metrics_end *);
void	metrics_free(void);

#endif
