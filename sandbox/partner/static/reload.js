'use strict';

// Looks again at a page that changes by itself, without moving the reader's place or focus.
(() => {
  const news = document.createElement('p');
  news.className = 'hidden';
  news.setAttribute('role', 'status');
  document.body.append(news);

  const show = (next) => {
    document.title = next.title;
    const [here, there] = [document, next].map((page) => page.querySelector('[data-live]'));
    if (here !== null && here.dataset.live === there?.dataset.live) {
      here.replaceChildren(...there.childNodes);
      return;
    }
    document.querySelector('main').replaceWith(next.querySelector('main'));
    news.textContent = document.querySelector('h1').textContent;
  };

  const again = async () => {
    try {
      const answer = await fetch(location.href);
      const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
      show(next);
      lookAfter(next.documentElement.dataset.reload);
    } catch {
      // Offline, or the app is being restarted.
      lookAfter(5);
    }
  };

  const lookAfter = (seconds) => {
    if (seconds !== undefined) setTimeout(again, Number(seconds) * 1000);
  };
  lookAfter(document.documentElement.dataset.reload);
})();
