// What a reader would stumble over, as a list of sentences: too wide, too faint, without a name, out of order.
(() => {
  const problems = [];
  const say = (what, element) =>
    problems.push(`${what}: ${element.outerHTML.slice(0, 160)}`);
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) {
    problems.push(`the page is ${root.scrollWidth} wide, the screen ${innerWidth}`);
    for (const element of document.body.querySelectorAll('*')) {
      const box = element.getBoundingClientRect();
      if (box.right > innerWidth + 1 && !element.closest('.scroll')) say('sticks out', element);
    }
  }
  for (const element of document.querySelectorAll('.card, .numbers > div, .attention li, figure')) {
    if (element.scrollWidth > element.clientWidth + 1 && !element.matches('.scroll')) say('is too narrow for what it holds', element);
  }

  // Contrast (WCAG 2.2, 1.4.3), of every text that is seen.
  const parse = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((c) => {
      c /= 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.a === 1) return colour;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('svg') || !element.checkVisibility()) continue;
    texts += 1;
    const found = ratio(parse(getComputedStyle(element).color), ground(element));
    if (found < 4.5) say(`a contrast of ${found.toFixed(2)}`, element);
    if (parseFloat(getComputedStyle(element).fontSize) < 11.5) say('is too small', element);
  }
  // Shapes and plots need 3 to 1 (1.4.11).
  for (const shape of document.querySelectorAll('svg.s, .plane path:not(.grid), .strip path')) {
    const style = getComputedStyle(shape);
    const paint = style.fill === 'none' ? style.stroke : style.fill;
    if (paint.startsWith('rgb') && ratio(parse(paint), ground(shape.closest('svg'))) < 3) say('a shape too faint', shape);
  }

  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) say(`follows a heading of level ${level}`, heading);
    level = own;
  }
  if (document.querySelectorAll('h1').length !== 1) problems.push('not one h1');
  for (const svg of document.querySelectorAll('svg')) {
    const named = svg.getAttribute('role') === 'img' && svg.getAttribute('aria-label');
    if (!named && svg.getAttribute('aria-hidden') !== 'true') say('has no name', svg);
  }
  for (const box of document.querySelectorAll('.scroll')) {
    const named = box.getAttribute('aria-label') || document.getElementById(box.getAttribute('aria-labelledby'));
    if (box.tabIndex !== 0 || !named) say('cannot be scrolled with keys', box);
  }
  for (const table of document.querySelectorAll('table')) {
    for (const heading of table.querySelectorAll('th')) if (!heading.scope) say('heads nothing', heading);
    const columns = table.tHead.rows[0].cells.length;
    for (const row of table.tBodies[0].rows) if (row.cells.length !== columns) say('has other cells than its head', row);
  }
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  if (new Set(ids).size !== ids.length) problems.push('an id is there twice');
  for (const use of document.querySelectorAll('use')) {
    if (!document.querySelector(use.getAttribute('href'))) say('uses what is not there', use);
  }
  // Nothing of what others wrote has become part of the page.
  for (const alien of document.querySelectorAll('script, img, iframe, object, embed, link, form, input, a[href^="http"], [style], [onerror], [onload]')) {
    say('does not belong here', alien);
  }
  if (document.compatMode !== 'CSS1Compat') problems.push('quirks mode');
  return JSON.stringify({ problems: problems.slice(0, 20), texts });
})()
