"use strict";
/*
 * bundle.js -- a folder with index.js, compiled before there is a request and run after.
 *
 * Its file is wrapped as Node wraps any CommonJS module.  Compiling runs nothing of it: what it does at module level,
 * such as reading its config, happens when run() is called.  A parked process has time: it compiles every function, where
 * V8 by itself compiles each when it is first called.  One that is not parked may have V8's code from a cache, which was
 * made of these very bytes by a process that ran nothing of them; V8 refuses one of a source of another length, other
 * flags or another version, so whoever keeps it keeps it under the bundle's digest.
 */
const fs = require("fs");
const path = require("path");
const vm = require("vm");
const Module = require("module");

const MAIN = "index.js", SPEC = "connector-spec.json", SDK = "@sailpoint/connector-sdk";

/* import() in a bundle works as anywhere else, by the file it stands in.  Node 18 cannot tell a script of ours so. */
const IMPORTER = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
/* V8 does not put down with its code who loads what a script imports, so that a script from it could import nothing. */
const IMPORTS = /\bimport\s*[(/]/;

function explain(e, file) {
	if (e.code === "ENOENT")
		return new Error(`${file} is not there: a bundle is a folder with ${MAIN} and ${SPEC}`);
	if (e instanceof SyntaxError && /import statement|token 'export'|import\.meta/.test(e.message))
		return new Error(`${file} is an ES module: build the bundle as CommonJS (ncc and esbuild do by default)`);
	return e;
}

let lazy = true;

/* How V8 compiles from now on. */
function lazily(yes) {
	if (yes !== lazy)
		require("v8").setFlagsFromString(yes ? "--lazy" : "--no-lazy");
	lazy = yes;
}

/* Its file may not be there yet, or not to be read: it only saves time. */
function codeOf(cache) {
	try {
		return fs.readFileSync(cache);
	} catch {
		return undefined;
	}
}

class Bundle {
	/* cache: a file of V8's code; eager: compile every function now; name: what it is called outside. */
	constructor(folder, { cache, eager, name } = {}) {
		this.folder = path.resolve(folder);
		this.file = path.join(this.folder, MAIN);
		this.name = name ?? path.basename(this.folder);
		try {
			const source = fs.readFileSync(this.file, "utf8").replace(/^\ufeff/, "").replace(/^#!/, "//");
			const code = cache === undefined || IMPORTS.test(source) ? undefined : codeOf(cache);

			lazily(!eager || code !== undefined);
			this.compile(source, code);
		} catch (e) {
			throw explain(e, this.file);
		} finally {
			lazily(true);
		}
	}

	compile(source, code) {
		this.source = IMPORTER === undefined ? source : null;
		this.script = IMPORTER === undefined ? null : new vm.Script(Module.wrap(source), {
			filename: this.file,
			cachedData: code,
			importModuleDynamically: IMPORTER,
		});
	}

	/* connector-spec.json beside it; null where there is none, as with a customizer. */
	spec() {
		try {
			return JSON.parse(fs.readFileSync(path.join(this.folder, SPEC), "utf8"));
		} catch (e) {
			if (e.code === "ENOENT")
				return null;
			throw new Error(`${path.join(this.folder, SPEC)}: ${e.message}`);
		}
	}

	/*
	 * The per-request config scope of an SDK that lies beside the bundle in node_modules, or null.  An SDK that was
	 * built into the bundle keeps its scope to itself; it reads CONNECTOR_CONFIG, as it does on the platform.
	 */
	scope() {
		let sdk;

		try {
			sdk = Module.createRequire(this.file).resolve(SDK);
		} catch {
			return null;
		}
		const withConfig = Module.createRequire(this.file)(sdk)._withConfig;

		return typeof withConfig === "function" ? withConfig : null;
	}

	/* Its exports.  Code of the bundle runs from here on. */
	run() {
		const parent = new Module("host"), module = new Module(this.file, parent);
		const require = Module.createRequire(this.file);

		module.filename = this.file;
		module.paths = Module._nodeModulePaths(this.folder);
		Module._cache[this.file] = module;
		if (this.script === null)
			this.compileNow(module);
		else
			this.script.runInThisContext().call(module.exports, module.exports, require, module, this.file, this.folder);
		module.loaded = true;
		return module.exports;
	}

	/* Without a script of ours Node compiles and runs in one. */
	compileNow(module) {
		try {
			module._compile(this.source, this.file);
		} catch (e) {
			throw explain(e, this.file);
		}
	}

	/* V8's code for it: all of it, where it was compiled eagerly.  Empty where there is no script of ours. */
	code() {
		return this.script === null ? Buffer.alloc(0) : this.script.createCachedData();
	}
}

/* As the SDK's development server takes them: an object, or an (async) function that makes one. */
async function member(exported, name) {
	const value = exported?.[name];

	return typeof value === "function" ? await value() : value;
}

module.exports = Object.freeze({ Bundle, member });
