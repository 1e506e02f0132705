/* global SwaggerUIBundle */

// Swagger UI's own class for its dark colors.
const dark = matchMedia('(prefers-color-scheme: dark)');
const showScheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', showScheme);
showScheme();

SwaggerUIBundle({
  url: '/api/openapi.yaml',
  dom_id: '#api',
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  // A reference: requests are sent with Postman, curl or an app, from an origin that is registered.
  supportedSubmitMethods: [],
  validatorUrl: null,
  // Its colors are too pale on the dark ground.
  syntaxHighlight: false,
});

// Swagger UI gives its menus no names.
const nameMenus = () => {
  for (const menu of document.querySelectorAll('#api select:not([aria-label])')) {
    menu.setAttribute('aria-label', menu.matches('.examples-select-element') ? 'Example' : 'Media type');
  }
  for (const code of document.querySelectorAll('#api pre:not([tabindex])')) code.tabIndex = 0;
};
new MutationObserver(nameMenus).observe(document.getElementById('api'), { childList: true, subtree: true });
