import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';
import { parseSetCookie, type SetCookie } from '../../probe-browser.js';
import { crossIntoModule } from '../module-journey.js';

/** What each cookie of a real sign-in, here and at each module, is marked with. */
export const secureCookies: Control = {
  id: 'security.auth.secure-cookies',
  kind: 'probe',
  timeout: seconds(15),
  interval: minutes(15),
  async verify(context, signal) {
    const flows = await context.flows(signal);
    const browser = flows.browser();
    const page = await browser.request(`${flows.issuer}/sign-in`);
    const answer = await flows.submitSignIn(browser);
    const own = [...page.setCookie, ...answer.setCookie].map(parseSetCookie);
    if (own.length === 0)
      return unknown(`HTTP ${answer.status} and no cookie`, 'a sign-in that sets a cookie');
    const wrong = own.flatMap(problems);
    if (wrong.length > 0) return insecure(wrong);

    const modules = await context.security.modules();
    const theirs: SetCookie[] = [];
    for (const module of modules) {
      const crossing = await crossIntoModule(browser, module.baseUrl);
      if (crossing.setCookie.length === 0) {
        return unknown(
          `${names(own)} as they should be`,
          `the cookies of the module ${module.key}: ${crossing.seen}`,
        );
      }
      theirs.push(...crossing.setCookie.map(parseSetCookie));
    }
    await flows.signOut(browser);
    const wrongThere = theirs.flatMap(problems);
    if (wrongThere.length > 0) return insecure(wrongThere);
    return verified(
      `__Host-, HttpOnly, Secure, SameSite, Path=/ and no Domain: ${names([...own, ...theirs])}`,
    );
  },
};

function insecure(wrong: readonly string[]) {
  return failed(
    '__Host-, HttpOnly, Secure, SameSite=Lax or Strict, Path=/ and no Domain on every cookie',
    [...new Set(wrong)].join('; '),
    'serve the server and its modules by https: CORE_AUTH_URL and each MODULE_URL begin with https://',
  );
}

function names(cookies: readonly SetCookie[]): string {
  return [...new Set(cookies.map(({ name }) => name))].join(', ');
}

/** What is wrong with a cookie; nothing with one that is being deleted. */
export function problems({ name, value, attributes }: SetCookie): string[] {
  if (value === '' || attributes.get('max-age') === '0') return [];
  const wrong = [
    !name.startsWith('__Host-') && 'has no __Host- prefix',
    !attributes.has('httponly') && 'is not HttpOnly',
    !attributes.has('secure') && 'is not Secure',
    !/^(lax|strict)$/i.test(attributes.get('samesite') ?? '') && 'is not SameSite=Lax or Strict',
    attributes.get('path') !== '/' && 'has another path than /',
    attributes.has('domain') && 'has a Domain',
  ].filter((problem) => problem !== false);
  return wrong.length > 0 ? [`${name} ${wrong.join(', ')}`] : [];
}
