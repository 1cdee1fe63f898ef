/*
 * hello.c -- reads the server name of a ClientHello (RFC 8446, 4.1.2; RFC 6066, 3).
 *
 * One record holds it, as every client sends it but those with a very long one (several records, which the next
 * ones must follow at once): these are told apart by their type alone and put together here.
 */
#include <stdbool.h>
#include <string.h>

#include "launcher/broker/hello.h"

#define HANDSHAKE	22
#define CLIENT_HELLO	1
#define RECORD_HEAD	5
#define RECORD_BYTES_MAX 16384
#define MESSAGE_BYTES_MAX 16384
#define SERVER_NAME	0
#define HOST_NAME	0

struct cursor {
	const uint8_t	*p;
	size_t		 left;
	bool		 bad;
};

static size_t
number(struct cursor *c, size_t bytes)
{
	size_t	 v = 0;

	if (c->bad || c->left < bytes) {
		c->bad = true;
		return 0;
	}
	for (; bytes > 0; bytes--, c->p++, c->left--)
		v = v << 8 | *c->p;
	return v;
}

/* What a length of so many bytes stands before. */
static struct cursor
block(struct cursor *c, size_t length_bytes)
{
	size_t		 n = number(c, length_bytes);
	struct cursor	 in = { c->p, n, c->bad || n > c->left };

	if (in.bad) {
		c->bad = true;
		in.left = 0;
		return in;
	}
	c->p += n;
	c->left -= n;
	return in;
}

/* One: of two, another reader might take the other. */
static bool
name_take(struct cursor list, char name[EGRESS_HOST_BYTES_MAX + 1])
{
	struct cursor	 names = block(&list, 2);

	while (!names.bad && names.left > 0) {
		size_t		 kind = number(&names, 1);
		struct cursor	 one = block(&names, 2);

		if (one.bad || kind != HOST_NAME || name[0] != '\0' || one.left == 0 || one.left > EGRESS_HOST_BYTES_MAX)
			return false;
		for (size_t i = 0; i < one.left; i++) {
			char	 ch = (char)one.p[i];

			if (ch <= ' ' || ch >= 0x7f)
				return false;
			name[i] = ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch;
		}
		name[one.left] = '\0';
	}
	return !names.bad && name[0] != '\0';
}

static enum hello
message_look(struct cursor m, char name[EGRESS_HOST_BYTES_MAX + 1])
{
	struct cursor	 extensions;
	bool		 named = false;

	(void)number(&m, 2);			/* version */
	for (int i = 0; i < 4; i++)
		(void)number(&m, 8);		/* random */
	(void)block(&m, 1);			/* session */
	(void)block(&m, 2);			/* ciphers */
	(void)block(&m, 1);			/* compression */
	if (m.bad)
		return HELLO_BROKEN;
	if (m.left == 0)
		return HELLO_UNNAMED;
	extensions = block(&m, 2);
	while (!extensions.bad && extensions.left > 0) {
		size_t		 kind = number(&extensions, 2);
		struct cursor	 one = block(&extensions, 2);

		if (kind != SERVER_NAME || extensions.bad)
			continue;
		if (named || !name_take(one, name))
			return HELLO_BROKEN;
		named = true;
	}
	return extensions.bad ? HELLO_BROKEN : named ? HELLO_NAMED : HELLO_UNNAMED;
}

enum hello
hello_look(const uint8_t *bytes, size_t n, char name[EGRESS_HOST_BYTES_MAX + 1])
{
	uint8_t		 whole[MESSAGE_BYTES_MAX];
	size_t		 have = 0, at = 0, want;
	enum hello	 r;

	name[0] = '\0';
	if (n == 0)
		return HELLO_PART;
	if (bytes[0] != HANDSHAKE || (n > 1 && bytes[1] != 3))
		return HELLO_NONE;
	for (;;) {
		size_t	 record;

		if (n - at < RECORD_HEAD)
			return HELLO_PART;
		record = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
		if (bytes[at] != HANDSHAKE || record == 0 || record > RECORD_BYTES_MAX || have + record > sizeof(whole))
			return HELLO_BROKEN;
		if (n - at - RECORD_HEAD < record)
			return HELLO_PART;
		memcpy(whole + have, bytes + at + RECORD_HEAD, record);
		have += record;
		at += RECORD_HEAD + record;
		if (have < 4)
			continue;
		if (whole[0] != CLIENT_HELLO)
			return HELLO_BROKEN;
		want = 4 + ((size_t)whole[1] << 16 | (size_t)whole[2] << 8 | whole[3]);
		if (want > sizeof(whole))
			return HELLO_BROKEN;
		if (have >= want)
			break;
	}
	r = message_look((struct cursor){ whole + 4, want - 4, false }, name);
	if (r != HELLO_NAMED)
		name[0] = '\0';
	return r;
}
