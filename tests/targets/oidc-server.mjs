// An OAuth 2.0 authorization server (oidc-provider) that gives signed tokens for client credentials.
//
//	BASCULE_TARGETS=dir PORT=n [TTL=seconds]
//
// Clients: "basic" (secret "basic-secret", in the header) and "post" (secret "post-secret", in the body); "hs" signs with its
// secret (hs-secret-0123456789-0123456789-01), and where KEYS is a folder with rsa.pub, "jwt" with the key of that.
// Token endpoint /token, keys /jwks.  Prints "ready" once it listens; GET /stats tells how many tokens were given.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";

const env = process.env, port = Number(env.PORT), ttl = Number(env.TTL ?? 60);
const { Provider } = await import(createRequire(`${env.BASCULE_TARGETS}/oidc/anchor.js`).resolve("oidc-provider"));
const scope = "users.read users.write";

const client = (name, method) => ({
	client_id: name, client_secret: `${name}-secret`, token_endpoint_auth_method: method, scope,
	grant_types: ["client_credentials"], redirect_uris: [], response_types: [],
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
	clients: [
		client("basic", "client_secret_basic"), client("post", "client_secret_post"),
		{ ...client("hs", "client_secret_jwt"), client_secret: "hs-secret-0123456789-0123456789-01" },
		...(env.KEYS === undefined ? [] : [{
			...client("jwt", "private_key_jwt"), client_secret: undefined, token_endpoint_auth_signing_alg: "RS256",
			jwks: { keys: [{ ...createPublicKey(readFileSync(`${env.KEYS}/rsa.pub`)).export({ format: "jwk" }), kid: "k1", use: "sig", alg: "RS256" }] },
		}]),
	],
	enabledJWA: { clientAuthSigningAlgValues: ["RS256", "HS256"] },
	scopes: scope.split(" "),
	features: {
		clientCredentials: { enabled: true },
		devInteractions: { enabled: false },
		resourceIndicators: {
			enabled: true,
			defaultResource: () => "https://api.example.com",
			getResourceServerInfo: () => ({
				scope, accessTokenFormat: "jwt", accessTokenTTL: ttl, jwt: { sign: { alg: "RS256" } },
			}),
		},
	},
	ttl: { ClientCredentials: ttl },
});

let given = 0;
provider.on("grant.success", () => { given++; });
const answer = provider.callback();
createServer((request, reply) => {
	if (request.url === "/stats")
		reply.end(JSON.stringify({ given }));
	else
		answer(request, reply);
}).listen(port, "127.0.0.1", () => console.log("ready"));
