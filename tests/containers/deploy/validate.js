/*
 * validate.js FILE PATCH -- is every object of FILE what its schema says, and does every pod meet the restricted Pod Security
 * Standard?  Again with the JSON patch PATCH upon its Deployment.  TAP on standard output.
 *
 * The schemas are those of Kubernetes' own API, compiled (npm kubernetes-models).  They let pass what they do not know, which
 * a server drops in silence: for that the objects are literals of their types, too, which TypeScript checks.
 */
import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import yaml from 'js-yaml';

const [file, patch] = process.argv.slice(2);
let n = 0, bad = 0;
const ok = (is, text, why) => {
	console.log(`${is ? 'ok' : 'not ok'} ${++n} - ${text}`);
	if (!is) {
		bad++;
		console.log(`# ${why}`);
	}
};

const moduleOf = (o) => {
	const [group, version] = o.apiVersion.includes('/') ? o.apiVersion.split('/') : ['', o.apiVersion];
	return `kubernetes-models/${group === '' ? '' : group + '/'}${version}`;
};

/* What TypeScript says of each object as a literal of its type: unknown fields, above all. */
const literalErrors = (list) => {
	const dir = process.cwd();
	const names = list.map((_, i) => path.join(dir, `object-${i}.ts`));
	const text = new Map(list.map((o, i) => [names[i],
	    `import type { I${o.kind} } from ${JSON.stringify(moduleOf(o))};\nexport const o: I${o.kind} = ${JSON.stringify(o, null, 1)};\n`]));
	const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022,
	    module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };
	const host = ts.createCompilerHost(options);
	const { readFile, fileExists } = host;
	host.readFile = (f) => text.get(f) ?? readFile(f);
	host.fileExists = (f) => text.has(f) || fileExists(f);
	host.getSourceFile = (f, v) => host.readFile(f) === undefined ? undefined : ts.createSourceFile(f, host.readFile(f), v);
	const program = ts.createProgram(names, options, host);
	return names.map((f) => [...program.getSyntacticDiagnostics(program.getSourceFile(f)),
	    ...program.getSemanticDiagnostics(program.getSourceFile(f))]
	    .map((d) => ts.flattenDiagnosticMessageText(d.messageText, ' ')).join('; '));
};

async function schemaErrors(o) {
	const kind = (await import(moduleOf(o)))[o.kind];
	if (kind === undefined)
		return `no ${o.apiVersion} ${o.kind}`;
	try {
		new kind(o).validate();
	} catch (e) {
		return e.message;
	}
	return '';
}

/* The rules of the standard, those of "baseline" among them that can be met or broken by what is in these files. */
const podErrors = (p) => {
	const out = [];
	const must = (is, what) => { if (!is) out.push(what); };
	const volumes = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret'];
	const profile = (s) => ['RuntimeDefault', 'Localhost'].includes(s?.seccompProfile?.type);

	for (const k of ['hostNetwork', 'hostPID', 'hostIPC'])
		must(!p[k], k);
	for (const v of p.volumes ?? [])
		for (const kind of Object.keys(v).filter((k) => k !== 'name'))
			must(volumes.includes(kind), `volume ${v.name}: ${kind}`);
	must((p.securityContext?.sysctls ?? []).length === 0, 'sysctls');
	must(p.securityContext?.runAsUser !== 0, 'runAsUser 0');
	for (const c of [...p.initContainers ?? [], ...p.containers, ...p.ephemeralContainers ?? []]) {
		const s = c.securityContext ?? {};
		must(s.privileged !== true, `${c.name}: privileged`);
		must(s.allowPrivilegeEscalation === false, `${c.name}: allowPrivilegeEscalation`);
		must((s.capabilities?.drop ?? []).includes('ALL'), `${c.name}: capabilities.drop`);
		must((s.capabilities?.add ?? []).every((x) => x === 'NET_BIND_SERVICE'), `${c.name}: capabilities.add`);
		must((s.runAsNonRoot ?? p.securityContext?.runAsNonRoot) === true, `${c.name}: runAsNonRoot`);
		must(s.runAsUser !== 0, `${c.name}: runAsUser 0`);
		must(s.seccompProfile === undefined ? profile(p.securityContext) : profile(s), `${c.name}: seccompProfile`);
		must((s.procMount ?? 'Default') === 'Default', `${c.name}: procMount`);
		must((c.ports ?? []).every((x) => !x.hostPort), `${c.name}: hostPort`);
		must((s.appArmorProfile?.type ?? 'RuntimeDefault') !== 'Unconfined', `${c.name}: appArmorProfile`);
		/* Not of the standard, but of ours. */
		must(s.readOnlyRootFilesystem === true, `${c.name}: readOnlyRootFilesystem`);
		must(c.resources?.limits?.memory !== undefined, `${c.name}: resources.limits.memory`);
	}
	must(p.automountServiceAccountToken === false, 'automountServiceAccountToken');
	return out.join('; ');
};

/* What refers to what. */
const linkErrors = (objects) => {
	const out = [];
	const deployment = objects.find((o) => o.kind === 'Deployment');
	const pod = deployment.spec.template;
	const container = pod.spec.containers[0];
	const labels = JSON.stringify(pod.metadata.labels);
	const ports = container.ports.map((p) => p.name);
	const args = container.args;
	const grace = Number(args.find((a) => a.startsWith('--grace=')).match(/(\d+)s$/)[1]);
	const mounts = container.volumeMounts.map((m) => m.mountPath);

	for (const [who, selector] of objects.map((o) => [o.kind, o.kind === 'Service' ? o.spec.selector :
	    o.spec?.selector?.matchLabels ?? o.spec?.podSelector?.matchLabels]))
		if (selector !== undefined && JSON.stringify(selector) !== labels)
			out.push(`${who} selects others`);
	for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
		if (!ports.includes(container[probe].httpGet.port))
			out.push(`${probe}: no such port`);
	for (const m of container.volumeMounts)
		if (!pod.spec.volumes.some((v) => v.name === m.name))
			out.push(`no volume ${m.name}`);
	for (const file of args.map((a) => a.match(/^--[a-z-]+=(?:unix:)?(\/.*)$/)?.[1]).filter((f) => f))
		if (!mounts.some((m) => file.startsWith(m + '/')))
			out.push(`${file} is on no volume`);
	if (pod.spec.terminationGracePeriodSeconds < grace + container.lifecycle.preStop.sleep.seconds + 10)
		out.push('terminationGracePeriodSeconds is shorter than the grace');
	if (objects.some((o) => o.kind === 'ServiceAccount' && o.automountServiceAccountToken !== false))
		out.push('the ServiceAccount hands out its token');
	return out.join('; ');
};

const patched = (o, steps) => {
	const copy = structuredClone(o);
	for (const s of steps) {
		const parts = s.path.split('/').slice(1);
		const last = parts.pop();
		const at = parts.reduce((x, k) => x[k], copy);
		if (s.op === 'test' ? JSON.stringify(at[last]) !== JSON.stringify(s.value) : s.op === 'replace' && at[last] === undefined)
			throw new Error(`${s.op} ${s.path}: not there`);
		if (s.op !== 'test')
			at[last] = s.value;
	}
	return copy;
};

const objects = yaml.loadAll(fs.readFileSync(file, 'utf8'));
const deployment = objects.find((o) => o.kind === 'Deployment');
const userns = patched(deployment, yaml.load(fs.readFileSync(patch, 'utf8')));
const literals = literalErrors([...objects, userns]);
for (const [i, o] of [...objects, userns].entries()) {
	const why = await schemaErrors(o) || literals[i];
	ok(why === '', `${o.kind}: as its schema says`, why);
}
for (const [what, o] of [['Deployment', deployment], ['with user namespaces', userns]]) {
	const why = podErrors(o.spec.template.spec);
	ok(why === '', `${what}: restricted`, why);
}
ok(linkErrors(objects) === '', 'and all refer to each other', linkErrors(objects));
ok(userns.spec.template.spec.hostUsers === false && userns.spec.template.spec.containers[0].args[1] === '--sandbox=strict',
    'the patch has its effect', 'it has not');

/* It can fail: each of these must be seen. */
const spoiled = [
	['a wrong type', (d) => { d.spec.replicas = 'two'; }],
	['a field that nobody knows', (d) => { d.spec.replicaz = 2; }],
	['a deep one', (d) => { d.spec.template.spec.containers[0].securityContext.readOnlyRootFilesytem = true; }],
	['a kept capability', (d) => { d.spec.template.spec.containers[0].securityContext.capabilities.drop = []; }],
	['a folder of the host', (d) => { d.spec.template.spec.volumes[0] = { name: 'run', hostPath: { path: '/run' } }; }],
	['root', (d) => { d.spec.template.spec.securityContext.runAsNonRoot = false; }],
	['another selector', (d) => { d.spec.selector.matchLabels = { a: 'b' }; }],
];
const worse = spoiled.map(([, spoil]) => {
	const d = structuredClone(deployment);
	spoil(d);
	return d;
});
const spoiledLiterals = literalErrors(worse);
for (const [i, d] of worse.entries()) {
	const why = await schemaErrors(d) || spoiledLiterals[i] || podErrors(d.spec.template.spec) ||
	    linkErrors(objects.map((o) => o.kind === 'Deployment' ? d : o));
	ok(why !== '', `${spoiled[i][0]} is seen`, 'nothing was said');
}
console.log(`1..${n}`);
process.exit(bad === 0 ? 0 : 1);
