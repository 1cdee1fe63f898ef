/*
 * notify.h -- what systemd and we say to each other, by plain datagrams: sd_notify(3), sd_listen_fds(3).
 */
#ifndef SERVE_NOTIFY_H
#define SERVE_NOTIFY_H

#include <stdint.h>

#define NOTIFY_FDS_START	3

/* Reads and clears the environment; at the very start. */
void	notify_open(void);
/* How many listening sockets were handed over, from NOTIFY_FDS_START on. */
int	notify_handed(void);
/* "READY=1", "STOPPING=1", "WATCHDOG=1", ...; nothing where nobody listens. */
void	notify_say(const char *state);
/* How often the watchdog wants to hear from us; 0: there is none. */
int64_t	notify_watchdog_ms(void);

#endif
