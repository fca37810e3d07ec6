// Swagger UI as people use it: offline, signed in with the second factor, runnable examples, a fresh Idempotency-Key.
"use strict";
(async () => {
  const url = "/api/v1/openapi.json";
  const spec = await (await fetch(url, { credentials: "omit" })).json();
  const isKey = (p) => p.in === "header" && p.name.toLowerCase() === "idempotency-key";
  for (const item of Object.values(spec.paths)) {
    for (const operation of Object.values(item)) {
      for (const parameter of (operation.parameters ?? []).filter(isKey)) {
        parameter.example = crypto.randomUUID();
      }
    }
  }
  const used = new Set();
  window.ui = SwaggerUIBundle({
    spec,
    dom_id: "#swagger-ui",
    deepLinking: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    withCredentials: false,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    requestInterceptor: (request) => {
      // An access token is the credential here; the page's session cookie never is.
      request.credentials = "omit";
      for (const name of Object.keys(request.headers ?? {})) {
        if (name.toLowerCase() !== "idempotency-key") continue;
        // The same example twice would be a replay: each new execution gets a key of its own.
        if (used.has(request.headers[name])) request.headers[name] = crypto.randomUUID();
        used.add(request.headers[name]);
      }
      return request;
    },
  });
  window.ui.initOAuth({ clientId: "", usePkceWithAuthorizationCodeGrant: false });
})();
