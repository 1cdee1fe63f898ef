/*
 * vault.h -- what workers asked to have kept for the next of their kind: short-lived tokens and TLS sessions, sealed, in memory.
 *
 * The only thing that outlives an invocation.  A value belongs to one key: this source, this very connector, this
 * configuration with its credential; no other key finds it, and what it is sealed with says so too.  Nothing is
 * ever written anywhere, and all of it ends with the process.
 *
 * AES-256-GCM with a random key of this process, which stands in a page that is locked, in no core file, and zero in
 * children.  Plaintext is here only while it passes.
 */
#ifndef CORE_VAULT_H
#define CORE_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/contract/buf.h"
#include "worker/contract/limits.h"
#include "worker/contract/record.h"

#define VAULT_ENTRIES_MAX	4096u		/* the one longest unused goes */
#define VAULT_BYTES_MAX		(8u * MIB)	/* of values */
#define VAULT_OF_KEY_MAX	8u		/* values of one key and kind */

struct vault_key {
	uint8_t	digest[32];
};

/* From a text that says all that the key stands for.  -1: this host cannot do it, and then nothing is ever kept. */
int	vault_key_of(const void *text, size_t n, struct vault_key *);
/* 0: kept, in the place of what had the name; -1: not. */
int	vault_put(const struct vault_key *, const struct kept_value *, int64_t now);
/* Appends {"name":{"ttlMs":n,"value":"..."},...}; n: how many there are, by enum kept_kind. */
void	vault_print(const struct vault_key *, struct buf *, int64_t now, unsigned int n[KEPT__MAX]);
/* All of this key; how many there were. */
unsigned int vault_forget(const struct vault_key *);
struct vault_counts {
	size_t	 entries, bytes;
};
struct vault_counts vault_count(void);
/* Forgets everything, the process's key too. */
void	vault_close(void);

/* These, for a plan that has it (invoke.h): a program whose plan has none links neither them nor what they compute with. */
struct vault {
	int			 (*key_of)(const void *text, size_t n, struct vault_key *);
	int			 (*put)(const struct vault_key *, const struct kept_value *, int64_t now);
	void			 (*print)(const struct vault_key *, struct buf *, int64_t now, unsigned int n[KEPT__MAX]);
	unsigned int		 (*forget)(const struct vault_key *);
	struct vault_counts	 (*count)(void);
	void			 (*close)(void);
};
extern const struct vault	 vault;

#endif
