"""The demo page, on a laptop and on a phone, for people with a keyboard or a screen reader, and in the dark."""

import pytest
from playwright.async_api import expect

from support import browser
from support.browser import PATIENCE, Visit, card, card_texts, clone, open_column, type_command
from support.reading import sentence

pytestmark = pytest.mark.browser


async def test_everything_can_be_done_with_the_keyboard(visit: Visit):
    page = await visit.open()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the message box")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.type("/clonev")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("sample", exact=True)).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    while not await page.get_by_role("button", name="good-sample.mp3").evaluate("chip => chip.matches(':focus')"):
        await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.type("Ada")
    await page.keyboard.press("Enter")
    await page.keyboard.type("This is my")
    await page.keyboard.press("Enter")
    await card_texts(page, until=sentence("voice.ready", title="Ada"))
    rename = card(page).get_by_role("button", name=sentence("button.rename"))
    await rename.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible(timeout=PATIENCE)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


UNNAMED = """() => [...document.querySelectorAll("button, a, input, select, textarea, audio, img, [role=option]")]
    .filter(each => each.checkVisibility() && !(each.ariaLabel || each.textContent.trim() || each.labels?.length
        || each.getAttribute("alt") !== null))
    .map(each => each.outerHTML)"""

FADED = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const channels = color => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const backdrop = each => {
        for (let at = each; at; at = at.parentElement) {
            const color = channels(getComputedStyle(at).backgroundColor);
            if (color[3] > 250) return color;
        }
    };
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
    const contrast = each => {
        const [one, other] = [channels(getComputedStyle(each).color), backdrop(each)].map(light);
        return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    };
    return [...document.querySelectorAll("body *")]
        .filter(each => each.checkVisibility() && !each.matches(":disabled, audio")
            && [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
        .filter(each => contrast(each) < 4.5)
        .map(each => `${contrast(each).toFixed(1)} ${each.outerHTML.slice(0, 200)}`);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_controls_have_names_texts_have_contrast_and_nothing_is_cut_off(visit: Visit, scheme: str):
    page = await visit.open(color_scheme=scheme, reduced_motion="reduce")
    await clone(page)
    await type_command(page, "/voices list")
    await card_texts(page, until=sentence("list.title", voices=1))
    await browser.begin_command(page, "/clonevoice")
    for side in ("left", "right"):
        await open_column(page, side)
        assert await page.evaluate(UNNAMED) == []
        assert await page.evaluate(FADED) == []
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.locator("#log").evaluate("log => log.scrollWidth <= log.clientWidth")
