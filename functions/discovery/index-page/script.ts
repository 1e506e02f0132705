/** Gives each copyable text a button. Without JavaScript there is none, and the text can be selected. */
export const indexScript = `
for (const text of document.querySelectorAll('[data-copy]')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.setAttribute('aria-label', 'Copy ' + text.dataset.copy);
  const say = (word) => {
    button.textContent = word;
    button.setAttribute('aria-label', word + ': ' + text.dataset.copy);
    setTimeout(() => {
      button.textContent = 'Copy';
      button.setAttribute('aria-label', 'Copy ' + text.dataset.copy);
    }, 2000);
  };
  button.addEventListener('click', () => {
    navigator.clipboard.writeText(text.textContent).then(
      () => say('Copied'),
      () => {
        getSelection().selectAllChildren(text);
        say('Selected');
      },
    );
  });
  text.after(button);
}
`;
