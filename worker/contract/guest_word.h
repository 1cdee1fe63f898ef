/*
 * guest_word.h -- what a launcher tells a nursery of guests (worker/guest) as its further arguments.
 *
 * Nothing of a tenant's but the ports, and the addresses that are numbers, of the places his source is at.
 */
#ifndef CONTRACT_GUEST_WORD_H
#define CONTRACT_GUEST_WORD_H

#define GUEST_WORD_RUN		"run="		/* a file that it may execute, beside those of its folder; the first is the host's choice for a bundle */
#define GUEST_WORD_PROCESSES	"processes="	/* more than 1: it may make processes, and execute more than once */
#define GUEST_WORD_PORT		"port="		/* of a place that it may reach */
#define GUEST_WORD_ADDRESS	"address="	/* likewise, IPv4, where its name is a number */
#define GUEST_WORD_CODE		"code="		/* a folder for what its interpreter makes of it: SANDBOX_GUEST_CODE, which may be empty */
#define GUEST_WORD_LINKED	"linked="	/* another bundle, whose customizer acts on this one: SANDBOX_GUEST_LINKED */
#define GUEST_WORDS_END		"--"		/* behind it the program and its arguments, as the connector says */

#define GUEST_WORDS_MAX		96
#define GUEST_WORDS_BYTES_MAX	6144		/* each with its NUL */
#define GUEST_PROGRAMS_MAX	20
#define GUEST_PORTS_MAX		16
#define GUEST_ADDRESSES_MAX	16

#endif
