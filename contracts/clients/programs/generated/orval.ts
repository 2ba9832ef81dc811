// orval with its default, axios: from a connection to a finished run, and typed refusals.
import axios from 'axios';
import * as flow from './client';

declare const process: { argv: string[]; exitCode: number };
const [, , base, token] = process.argv;
axios.defaults.baseURL = base;
axios.defaults.paramsSerializer = { indexes: null };
Object.assign(axios.defaults.headers.common, {
  Authorization: `Bearer ${token}`,
  'x-api-key': 'client', 'x-gw-ims-org-id': '5C1328435BF324E90A49402A@AdobeOrg', 'x-sandbox-name': 'prod',
});

function check(fact: boolean, what: string): asserts fact {
  if (!fact) throw new Error(what);
}
async function refused(call: Promise<unknown>): Promise<flow.ServiceError> {
  try {
    await call;
  } catch (problem) {
    if (axios.isAxiosError<flow.Refusal>(problem)) {
      const error = problem.response?.data;
      check(error !== undefined && 'errorMessage' in error, 'a refusal by the service');
      return error;
    }
    throw problem;
  }
  throw new Error('taken, and should not have been');
}

const POSTGRESQL = '74a1c565-4e59-48d7-9d67-7c03b8a13137';
const params = {
  server: 'db.example.com', port: '5432', database: 'shop', username: 'reader', password: 'a-password', sslMode: 'Allow',
};

async function journey(): Promise<void> {
  const made: string[] = [];
  for (const name of ['Archive', 'Shop database', 'Warehouse']) {
    const { data } = await flow.createConnection({
      name, connectionSpec: { id: POSTGRESQL, version: '1.0' }, auth: { specName: 'Basic Authentication', params },
    });
    made.push(data.id);
  }
  const id = made[0]!;
  const found = (await flow.retrieveConnection(id)).data.items[0]!;
  check(found.name === 'Archive' && found.createdAt > 1_700_000_000_000, 'look-up');
  check((await flow.listConnections({ property: ['name==Archive'] })).data.items?.length === 1, 'filter');
  check((await flow.listConnections({ count: true })).data.count === 3, 'count');
  const names: (string | undefined)[] = [];
  for (let continuationToken: string | undefined, more = true; more; more = continuationToken !== undefined) {
    const { data } = await flow.listConnections({ limit: 2, continuationToken });
    names.push(...data.items?.map((row) => row.name) ?? []);
    continuationToken = data._links?.next?.href.match(/continuationToken=([^&]*)/)?.[1];
  }
  check(names.sort().join() === 'Archive,Shop database,Warehouse', 'pages');

  const rename: flow.PatchRequest = [{ op: 'replace', path: '/name', value: 'Database of the shop' }];
  // @ts-expect-error: a number is not an instruction
  const wrong: flow.PatchInstruction = 42;
  void wrong;
  const ifMatch = { headers: { 'If-Match': found.etag } };
  await flow.patchConnection(id, rename, ifMatch);
  check((await flow.testConnection(id)).data.result, 'test');
  const root = (await flow.getByConnectionId(id, { objectType: 'root' })).data as flow.ExploreItems;
  const tableName = root[0]!.path;

  check((await refused(flow.patchConnection(id, rename, ifMatch))).title === 'Version not matching', 'typed 412');
  const incomplete = await refused(flow.createConnection({ name: 'x', connectionSpec: { id: POSTGRESQL }, auth: {} }));
  check(incomplete.report?.pointer?.startsWith('/auth') === true, 'typed 400');

  const source = await flow.createSourceConnection({
    name: 'Customers', baseConnectionId: id, connectionSpec: { id: POSTGRESQL }, data: { format: 'tabular' },
    params: { tableName },
  });
  const target = await flow.createTargetConnection({
    name: 'Data set', connectionSpec: { id: 'c604ff05-7f1a-43c0-8e18-33bf874cb11c' },
    params: { dataSetId: '5f3c3cedb2805c194ff0b69a' },
  });
  const created = await flow.createFlow({
    name: 'Customers once', flowSpec: { id: '14518937-270c-4525-bdec-c2ba7cce3860', version: '1.0' },
    sourceConnectionIds: [source.data.id], targetConnectionIds: [target.data.id],
    transformations: [{ name: 'Mapping', params: { mappingId: '0b09' } }],
    scheduleParams: { startTime: Math.floor(Date.now() / 1000), frequency: 'once' },
  });
  const schedule = (await flow.retrieveFlow(created.data.id)).data.items[0]!.scheduleParams;
  check(Number(schedule?.startTime) > 1_700_000_000, 'start time');
  check((await flow.listFlowRuns({ property: [`flowId==${created.data.id}`] })).data.items !== undefined, 'runs');
  await flow.deleteByFlow(created.data.id);
  await flow.deleteTargetConnection(target.data.id);
  await flow.deleteSourceConnection(source.data.id);
  for (const one of made) await flow.deleteConnection(one);
  check((await refused(flow.retrieveConnection(id))).errorMessage !== '', 'typed 404');
}
journey().then(() => console.log('done'), (problem: unknown) => {
  console.error(problem);
  process.exitCode = 1;
});
