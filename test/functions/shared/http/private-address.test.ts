import {
  isPublicAddress,
  namesPrivateAddress,
  namesThisMachine,
} from '../../../../functions/shared/http/private-address.ts';
import { words } from '../../../support/words.ts';

describe('a public address', () => {
  it.each(['1.1.1.1', '93.184.216.34', '172.15.255.255', '172.32.0.0', '100.63.0.1', '100.128.0.0', '223.255.255.255'])(
    'is %s',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );
  it.each(['2600:1f18::1', '2a00:1450:4001::1', '3ffe::1', '2001:200::1'])('is %s', (address) =>
    expect(isPublicAddress(address)).toBe(true),
  );
  it.each([
    ...words(`
      0.1.2.3 10.255.255.255 100.64.0.0 100.127.255.255 127.255.255.255 169.254.0.1 172.31.255.255 192.0.0.8 192.0.2.1
      192.88.99.1 192.168.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1
      ::ffff:1.1.1.1 64:ff9b::101:101 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:101:101::1 3fff::1 fc00::1 fe80::1
      fe80::1%eth0 fec0::1 ff02::1 localhost app.example.org 1.1.1
    `),
    '',
  ])('is not %s', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('a URL', () => {
  it.each(
    words(`
    https://localhost/ https://a.localhost:1/ https://localhost./ https://[::1]/ https://0x7f000001/
  `),
  )('names a private address: %s', (url) => expect(namesPrivateAddress(url)).toBe(true));
  it.each(
    words(`
    https://app.example.org/ https://notlocalhost/ https://localhost.example.org/ https://1.1.1.1/ https://[2600::1]/
  `),
  )('names none: %s', (url) => expect(namesPrivateAddress(url)).toBe(false));
  it.each(
    words(`
    http://localhost:1/ http://a.localhost/ http://127.0.0.1/ http://127.9.9.9/ http://2130706433/ http://[::1]/
    http://[0:0:0:0:0:0:0:1]/
  `),
  )('names this machine: %s', (url) => expect(namesThisMachine(url)).toBe(true));
  it.each(
    words(`
    http://127.example.org/ http://127.0.0.1.example.org/ http://localhost.example.org/ http://10.0.0.1/ http://[::2]/
    http://1.1.1.1/
  `),
  )('names another: %s', (url) => expect(namesThisMachine(url)).toBe(false));
});
