/*
 * doctor.h -- GET /v1/doctor: what `bascule doctor --json` finds on this host, for the layers that this server uses.
 *
 * Layers are tried in children and take a while: the program itself is run beside the loop, once for all who ask
 * meanwhile.
 */
#ifndef SERVE_DOCTOR_H
#define SERVE_DOCTOR_H

/* Ends one that runs. */
void	doctor_close(void);

#endif
