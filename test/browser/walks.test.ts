import { apiDocuments } from './api-documents.ts';
import { connect } from './connect.ts';
import { copiedApp } from './copied-app.ts';
import { documentation } from './documentation.ts';
import { inChromium } from './in-chromium.ts';
import { indexPage } from './index-page.ts';
import { liveView } from './live-view.ts';
import { memberConnections } from './member-connections.ts';
import { partnerApp } from './partner-app.ts';
import { partnerMembers } from './partner-members.ts';
import { partnerSearch } from './partner-search.ts';
import { readmePictures } from './pictures.ts';
import { smartApps } from './smart-apps.ts';

await inChromium((browser, running) => {
  // Its page draws all that happened before: after the others, several thousand rows in each of its tests.
  liveView(browser, running);
  copiedApp(running);
  partnerApp(browser, running);
  partnerSearch(browser, running);
  partnerMembers(browser, running);
  smartApps(browser, running);
  connect(browser, running);
  memberConnections(browser, running);
  documentation(browser, running);
  indexPage(browser, running);
  apiDocuments(browser, running);
  readmePictures(browser, running);
});
