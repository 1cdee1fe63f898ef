/*
 * broker_policy.h -- between broker.c and broker_policy.c.
 */
#ifndef CORE_BROKER_POLICY_H
#define CORE_BROKER_POLICY_H

#include "launcher/core/broker.h"
#include "launcher/core/broker_wire.h"

/* Fills what the policy says; -1 with *e: it does not fit on the wire. */
int	broker_policy_put(struct wire_open *, const struct broker_policy *, struct error *e);

#endif
