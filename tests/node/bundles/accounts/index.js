"use strict";
// Lists a SCIM source as connectors/scim does: the same pages, the same attributes, the same records.  For the benchmark.
const axios = require("axios");
const { createConnector, readConfig } = require("@sailpoint/connector-sdk");

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const of = (list, type) => (list?.find((v) => v.primary) ?? list?.find((v) => v.type === type) ?? list?.[0])?.value;
const toAccount = (user) => ({
	identity: user.id,
	key: { simple: { id: user.id } },
	attributes: {
		id: user.id, userName: user.userName, externalId: user.externalId, displayName: user.displayName,
		givenName: user.name?.givenName, familyName: user.name?.familyName, email: of(user.emails, "work"),
		phone: of(user.phoneNumbers, "work"), title: user.title, employeeNumber: user[enterprise]?.employeeNumber,
		department: user[enterprise]?.department, active: user.active, groups: (user.groups ?? []).map((g) => g.value),
	},
	disabled: user.active === false,
});

module.exports.connector = async () => {
	const { baseUrl, token, pageSize } = await readConfig();
	const http = axios.create({ baseURL: baseUrl, headers: { Authorization: `Bearer ${token}` }, timeout: 30000 });

	return createConnector().stdAccountList(async (context, input, res) => {
		for (let start = 1, total = 1; start <= total;) {
			const { data } = await http.get("/Users", { params: { startIndex: start, count: pageSize } });

			total = data.totalResults;
			start += data.Resources.length;
			for (const user of data.Resources)
				res.send(toAccount(user));
		}
	});
};
