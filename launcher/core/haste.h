/*
 * haste.h -- a process that hands things on asks for its turn at once.
 *
 * A launcher needs the processor often and never for long.  Left as it is, one that a worker's record wakes on the
 * worker's own processor may wait there until the worker has exited: each is in a scheduling group of its own (a
 * session's, or a control group's), and of two groups the one that runs is let run on.  Short slices are a process's
 * own to ask for and of the same weight: the kernel (Linux 6.12) lets it run first, and not for longer in all.
 */
#ifndef CORE_HASTE_H
#define CORE_HASTE_H

/*
 * Of this process; what it forks from now on has ordinary slices.  Nothing changes where the kernel knows none or refuses
 * (a service's filter may), nor under another policy or a nice value below 0, which its children shall keep.
 */
void	 haste(void);

#endif
