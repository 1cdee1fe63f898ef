"use strict";
// The shape of the SDK's own first example: an async factory that reads the config and makes a client of it.
const { createConnector, readConfig, logger, ConnectorError, ConnectorErrorType } = require("@sailpoint/connector-sdk");

const people = ["john.doe", "jane.doe", "\u00e4lg.\u{1f98c}"].map((id, i) => ({
	identity: id, uuid: String(i), attributes: { id, name: id.toUpperCase(), tags: ["a/b", "\u2028", "\u0007"] },
}));

module.exports.connector = async () => {
	const config = await readConfig();

	if (!config.token)
		throw new ConnectorError("token must be provided from config");
	return createConnector()
		.stdTestConnection(async (context, input, res) => {
			logger.info("testing");
			res.send({});
		})
		.stdAccountList(async (context, input, res) => {
			for (const person of people)
				res.send(person);
		})
		.stdAccountRead(async (context, input, res) => {
			const person = people.find((p) => p.identity === input.identity);

			if (person === undefined)
				throw new ConnectorError(`no account ${input.identity}`, ConnectorErrorType.NotFound);
			res.send(person);
		});
};
