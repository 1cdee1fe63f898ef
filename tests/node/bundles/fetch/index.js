"use strict";
// Node's own fetch, several requests under way at once.
const { createConnector, readConfig } = require("@sailpoint/connector-sdk");

const PAGE = 250, AT_ONCE = 4;

module.exports.connector = createConnector().stdAccountList(async (context, input, res) => {
	const { baseUrl, token } = await readConfig();
	const page = async (start) => {
		const answer = await fetch(`${baseUrl}/Users?startIndex=${start}&count=${PAGE}`,
		    { headers: { authorization: `Bearer ${token}` } });

		if (!answer.ok)
			throw new Error(`the source answered ${answer.status}`);
		return answer.json();
	};
	const { totalResults: total } = await page(1);

	for (let start = 1; start <= total; start += PAGE * AT_ONCE) {
		const starts = Array.from({ length: AT_ONCE }, (_, i) => start + i * PAGE).filter((s) => s <= total);

		for (const { Resources } of await Promise.all(starts.map(page)))
			for (const user of Resources)
				res.send({ identity: user.userName, attributes: { id: user.id, name: user.userName } });
	}
});
