"use strict";
// A client of axios that pages through a SCIM source.
const axios = require("axios");
const { createConnector, readConfig, ConnectorError, ConnectorErrorType } = require("@sailpoint/connector-sdk");

const toAccount = (user) => ({
	key: { simple: { id: user.id } },
	disabled: user.active === false,
	attributes: { id: user.id, name: user.userName, mail: user.emails?.[0]?.value ?? null },
});

module.exports.connector = async () => {
	const { baseUrl, token } = await readConfig();
	const http = axios.create({ baseURL: baseUrl, headers: { Authorization: `Bearer ${token}` }, timeout: 30000 });

	return createConnector()
		.stdTestConnection(async (context, input, res) => {
			await http.get("/Users", { params: { count: 1 } });
			res.send({});
		})
		.stdAccountRead(async (context, input, res) => {
			try {
				res.send(toAccount((await http.get(`/Users/${encodeURIComponent(input.identity)}`)).data));
			} catch (e) {
				if (e.response?.status === 404)
					throw new ConnectorError(`no user ${input.identity}`, ConnectorErrorType.NotFound);
				throw e;
			}
		})
		.stdAccountList(async (context, input, res) => {
			for (let start = 1, total = 1; start <= total;) {
				const { data } = await http.get("/Users", { params: { startIndex: start, count: 500 } });

				total = data.totalResults;
				start += data.Resources.length;
				for (const user of data.Resources)
					res.send(toAccount(user));
			}
		});
};
