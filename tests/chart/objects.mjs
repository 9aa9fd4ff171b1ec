// Objects of Kubernetes, from YAML on stdin: each checked against the API's own schema, then printed as JSON.
//   node objects.mjs TOOLS <objects.yaml
// The schemas say nothing against fields that there are not; the API server refuses them all the same. So a field
// that the schema's check never asks for is an error, too.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const require = createRequire(process.argv[2] + '/');
const {parseAllDocuments} = require('yaml');

const MODELS = 'kubernetes-models/';
const OPERATOR = '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/';
const MODULES = {
  'apps/v1 DaemonSet': MODELS + 'apps/v1/DaemonSet',
  'monitoring.coreos.com/v1 PodMonitor': OPERATOR + 'PodMonitor',
  'monitoring.coreos.com/v1 PrometheusRule': OPERATOR + 'PrometheusRule',
  'monitoring.coreos.com/v1 ServiceMonitor': OPERATOR + 'ServiceMonitor',
  'networking.k8s.io/v1 NetworkPolicy': MODELS + 'networking.k8s.io/v1/NetworkPolicy',
  'v1 ConfigMap': MODELS + 'v1/ConfigMap',
  'v1 Namespace': MODELS + 'v1/Namespace',
  'v1 Service': MODELS + 'v1/Service',
  'v1 ServiceAccount': MODELS + 'v1/ServiceAccount',
};

// OpenShift's kind is in none of these packages: its fields by hand, from its API's reference.
const texts = ['string'];
const OF_SCC = {
  apiVersion: 'string', kind: 'string', metadata: 'object', users: texts, groups: texts, priority: 'null',
  allowPrivilegedContainer: 'boolean', allowPrivilegeEscalation: 'boolean', defaultAllowPrivilegeEscalation: 'boolean',
  allowHostDirVolumePlugin: 'boolean', allowHostIPC: 'boolean', allowHostNetwork: 'boolean', allowHostPID: 'boolean',
  allowHostPorts: 'boolean', readOnlyRootFilesystem: 'boolean', requiredDropCapabilities: texts,
  defaultAddCapabilities: texts, allowedCapabilities: texts, runAsUser: 'object', seLinuxContext: 'object',
  fsGroup: 'object', supplementalGroups: 'object', seccompProfiles: texts, volumes: texts,
};

function checkScc(object) {
  const kind = value => value === null ? 'null' : typeof value;
  const fits = (value, wanted) => Array.isArray(wanted)
    ? Array.isArray(value) && value.every(item => kind(item) === wanted[0])
    : kind(value) === wanted;
  const errors = Object.keys(object).filter(key => !(key in OF_SCC)).map(key => `/${key}: there is no such field`);
  for (const [key, wanted] of Object.entries(OF_SCC)) {
    if (!(key in object) || !fits(object[key], wanted)) errors.push(`/${key}: must be ${wanted}`);
  }
  return errors;
}

// What it wraps, and which fields of it were asked for.
function watched(value, seen) {
  if (value === null || typeof value !== 'object') return value;
  if (seen.has(value)) return seen.get(value).proxy;
  const asked = new Set();
  const proxy = new Proxy(value, {
    get(target, key) {
      asked.add(key);
      return watched(target[key], seen);
    },
  });
  seen.set(value, {proxy, asked});
  return proxy;
}

function unasked(value, path, seen, found) {
  if (value === null || typeof value !== 'object') return found;
  for (const key of Object.keys(value)) {
    if (!seen.get(value)?.asked.has(key)) found.push(`${path}/${key}: there is no such field`);
    else unasked(value[key], `${path}/${key}`, seen, found);
  }
  return found;
}

function check(object) {
  const kind = `${object.apiVersion} ${object.kind}`;
  if (kind === 'security.openshift.io/v1 SecurityContextConstraints') return checkScc(object);
  if (!(kind in MODULES)) return [`no schema of ${kind} is known here`];
  const Model = require(MODULES[kind])[object.kind];
  const model = new Model(object);  // a copy
  const seen = new Map();
  try {
    Model.prototype.validate.call(watched(model, seen));
  } catch (error) {
    return [error.message];
  }
  return unasked(model, '', seen, []);
}

const objects = [];
let failed = false;
for (const document of parseAllDocuments(readFileSync(0, 'utf8'))) {
  for (const problem of [...document.errors, ...document.warnings]) {
    console.error(String(problem));
    failed = true;
  }
  const object = document.toJS();
  if (object === null) continue;
  objects.push(object);
  for (const error of check(object)) {
    console.error(`${object.kind} ${object.metadata?.name}: ${error}`);
    failed = true;
  }
}
console.log(JSON.stringify(objects));
process.exitCode = failed ? 1 : 0;
