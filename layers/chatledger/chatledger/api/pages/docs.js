"use strict";

SwaggerUIBundle({
  url: "openapi.json",
  domNode: document.getElementById("document"),
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  tryItOutEnabled: true,
  validatorUrl: null,
});
