/*
 * keeper.h -- the way out of a guest where no namespace can be had: a process of ours beside it (sandbox/kept.c).
 *
 * It is told of each connect() of the guest, which waits: it reads the address once, asks the broker as any worker does,
 * puts the connected socket that it gets in the place of the guest's, and says that the call is done.  The kernel
 * never sees the guest's address, so nothing that the guest changes meanwhile matters.  Names that the policy has are answered
 * with addresses that are made up, as in a network of the guest's own (launcher/broker/gateway.h).
 *
 * It has no way out itself, and asks one question at a time: while the broker connects, the guest's other calls wait.
 */
#ifndef GUEST_KEEPER_H
#define GUEST_KEEPER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/contract/egress.h"
#include "worker/contract/stub.h"

#define KEEPER_NAMES_MAX	512u	/* as a gateway has */
#define KEEPER_QUESTIONS_MAX	100000u	/* to its name server; more have no answer */

/* In the keeper; from_guest: where the descriptor comes from on which it is told.  Returns never. */
void	keeper_run(int broker, int from_guest) __attribute__((noreturn));

/* keeper_ask.c: a question to the broker; the answer, and *fd: a socket that came with it, or -1. */
struct egress_answer keeper_ask(int broker, enum egress_kind kind, const char *host, uint16_t port, int *fd);
/* The broker is gone, and the launcher with it: nobody ends the guest and what it has made but us. */
void	keeper_end(void) __attribute__((noreturn));
/* Of its guest: a call that is death. */
void	keeper_tell(int broker, int nr);

/* keeper_names.c: before the walls. */
void	names_open(int broker);
/* What the sockets for datagrams and connections to the name server wait for; returns how many. */
size_t	names_wait(struct pollfd *fds);
#define NAMES_FDS_MAX	24
void	names_serve(const struct pollfd *fds);
/* One end for the guest, which stays ours; -1: there are none. */
int	names_datagrams(void);
/* The same of a connection, which is not ours any more once it is the guest's. */
int	names_connection(void);
/* True: its inode is of a socket that names_datagrams() gave. */
bool	names_is_datagrams(uint64_t inode);
/* What an address was called when it was looked up, or its number. */
void	names_host(const struct sockaddr *, char host[EGRESS_HOST_BYTES_MAX + 1]);

#endif
