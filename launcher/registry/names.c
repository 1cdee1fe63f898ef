/*
 * names.c -- ids, aliases, tags.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <openssl/sha.h>

#include "launcher/registry/disk.h"
#include "worker/contract/util.h"

static void
uuid_print(const unsigned char h[16], unsigned int kind, char id[REG_ID_BYTES + 1])
{
	snprintf(id, REG_ID_BYTES + 1, "%02x%02x%02x%02x-%02x%02x-%x%x%02x-%x%x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1], h[2],
	    h[3], h[4], h[5], kind, h[6] & 0xfu, h[7], 8 | (h[8] & 3u), h[8] >> 4, h[9], h[10], h[11], h[12], h[13], h[14],
	    h[15]);
}

void
reg_uuid_of(const char *text, char id[REG_ID_BYTES + 1])
{
	unsigned char	 h[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)text, strlen(text), h);
	uuid_print(h, 8, id);
}

int
reg_uuid_new(char id[REG_ID_BYTES + 1], struct error *e)
{
	unsigned char	 r[16];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return error_sys(e, "random numbers");
	uuid_print(r, 4, id);
	return 0;
}

static bool
is_uuid(const char *s)
{
	if (strlen(s) != REG_ID_BYTES)
		return false;
	for (size_t i = 0; i < REG_ID_BYTES; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

static bool
word_ok(const char *s, size_t most)
{
	if (s[0] == '\0' || strlen(s) > most || !isalnum((unsigned char)s[0]))
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("._-", *s) == NULL)
			return false;
	return true;
}

bool
reg_alias_ok(const char *s)
{
	return word_ok(s, REG_ALIAS_BYTES_MAX) && !is_uuid(s);
}

bool
reg_name_ok(const char *s)
{
	size_t	 n = strlen(s);

	if (n == 0 || n > REG_NAME_BYTES_MAX)
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

const char *
reg_called(const struct reg_connector *c)
{
	return c->alias[0] != '\0' ? c->alias : c->name;
}

int64_t
reg_now(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool
reg_tag_ok(const char *s)
{
	return word_ok(s, REG_TAG_BYTES_MAX) && s[strspn(s, "0123456789")] != '\0';
}
