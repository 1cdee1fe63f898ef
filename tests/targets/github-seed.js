/*
 * Writes the seed of the GitHub emulator: one organisation, USERS members of
 * whom the first two are administrators, one more user from outside, one App.
 *
 *	node github-seed.js USERS app.pem seed.json
 */
"use strict";
const fs = require("fs");
const [, , count, pem, to] = process.argv;
const user = (login, i) => ({ login, name: "User " + i, email: login + "@acme.test", company: "Acme" });
const members = Array.from({ length: Number(count) }, (_, i) => user("user" + String(i).padStart(4, "0"), i));
const permissions = { members: "write", organization_administration: "read" };

fs.writeFileSync(to, JSON.stringify({
	tokens: {
		ghp_owner: { login: "user0000", scopes: ["user", "admin:org"] },
		ghp_stranger: { login: "stranger", scopes: ["admin:org"] },
	},
	github: {
		users: [...members, user("stranger", -1)],
		orgs: [{
			login: "acme", name: "Acme",
			members: members.map((u, i) => ({ login: u.login, role: i < 2 ? "admin" : "member" })),
		}],
		repos: [],
		apps: [
			{
				app_id: 12345, slug: "bascule", name: "Bascule", private_key: fs.readFileSync(pem, "utf8"), permissions,
				installations: [
					{ installation_id: 777, account: "acme", repository_selection: "all", permissions },
					{ installation_id: 778, account: "acme", repository_selection: "all",
						permissions: { metadata: "read" } },
				],
			},
		],
	},
}, null, 1));
