/*
 * floor.h -- between the harness and floor, the small static program that
 * takes the yardsticks: a process is copied faster the smaller its parent.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stdint.h>

enum floor_kind { FLOOR_PIPE, FLOOR_RING, FLOOR_CLONE3, FLOOR_VFORK, FLOOR_KILL, FLOOR_RING_PACED, FLOOR_PIPE_PACED,
    FLOOR_CLONE3_PACED, FLOOR_RATE, FLOOR__MAX };

struct floor_order {
	enum floor_kind	kind;
	int		n;
};

#define FLOOR_PACE_NS	10000000	/* one per so long, where a row is paced */

/* One invocation; both times from before the first pipe was made. */
struct sample {
	int64_t		first_ns;	/* to the first byte of the answer; a rate's value */
	int64_t		reaped_ns;	/* to the process being gone and all made for it closed */
	int64_t		faults;		/* minor ones of the process */
};

/* What each of them reads and answers; one line. */
#define BENCH_REQUEST \
	"{\"id\":\"0b5b2f0e-8f0e-4f3e-9f51-7a8f6a0c2d11\",\"type\":\"std:account:read\",\"version\":1," \
	"\"config\":{\"baseUrl\":\"https://api.example.test/v2\",\"token\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"," \
	"\"timeoutMs\":5000},\"input\":{\"identity\":\"john.doe\",\"key\":{\"simple\":{\"id\":\"john.doe\"}}}}\n"
#define BENCH_TLS_REQUEST "{\"type\":\"bench:tls\",\"input\":{\"identity\":\"john.doe\"},\"config\":{}}\n"
#define BENCH_ANSWER \
	"{\"data\":{\"key\":{\"simple\":{\"id\":\"john.doe\"}},\"attributes\":{\"firstName\":\"john\",\"lastName\":\"doe\"," \
	"\"email\":\"john.doe@example.test\",\"title\":\"0123456789012345678901234567890123456789\"}},\"type\":\"output\"}\n"

#endif
