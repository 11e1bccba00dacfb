// An identity provider for tests: `node provider.mjs real|careless TOOLS`. It prints its
// issuer, and goes on until its standard input ends. A line on it rotates the keys.

import { createInterface } from 'node:readline';
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const [kind, tools] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(`${tools}/node_modules/${file}`));

/** A new signing key with this id. */
const key = (kid) => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256',
});

/** The certified OpenID provider: client credentials, access tokens by RFC 9068. */
async function real() {
  const { Provider } = await load('oidc-provider/lib/index.js');
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const resource = {
    scope: 'grants:write', audience: 'aid-register', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
  };
  const provider = (kid) => new Provider(issuer, {
    jwks: { keys: [key(kid)] },
    clients: ['nightly-push', 'stranger'].map((id) => ({
      client_id: id, client_secret: 'secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
    })),
    scopes: ['grants:write'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true, defaultResource: () => 'urn:aid-register', getResourceServerInfo: () => resource,
        useGrantedResource: () => true,
      },
    },
  });
  let answer = provider('first').callback();
  server.on('request', (request, response) => answer(request, response));
  return { issuer, rotate: () => { answer = provider('second').callback(); } };
}

/** Its careless twin: tokens without audience and publisher, unless they are asked for. */
async function careless() {
  const { OAuth2Server } = await load('oauth2-mock-server/dist/index.mjs');
  const server = new OAuth2Server();
  await server.issuer.keys.generate('RS256', { kid: 'mock' });
  await server.start(0, '127.0.0.1');
  return { issuer: server.issuer.url, rotate: () => server.issuer.keys.generate('RS256') };
}

const { issuer, rotate } = await (kind === 'real' ? real() : careless());
console.log(issuer);
const lines = createInterface({ input: process.stdin });
lines.on('line', async () => { await rotate(); console.log('rotated'); });
lines.on('close', () => process.exit(0));
