"""Handles clicks on the buttons of a voice's card."""

from cogs._ui.action import action_buttons
from cogs._ui.interaction import Interaction, answer_text, name_of, viewer_of
from cogs.speak.form import TextForm
from cogs.voices.forms import RenameForm
from cogs.voices.history import show_history
from cogs.voices.replies import show_voice


async def handle_click(interaction: Interaction, action: str, voice_id: str) -> None:
    """Do what the button says. `Library` checks who clicked: anyone may send any custom ID."""
    match action:
        case "speak":
            await TextForm(str(interaction.locale), voice_id).open(interaction)
        case "rename":
            await RenameForm(str(interaction.locale), voice_id).open(interaction)
        case "history":
            await interaction.response.defer(ephemeral=True, thinking=True)
            await show_history(interaction, voice_id, 0)
        case _:
            await interaction.response.defer()
            await change(interaction, action, int(voice_id))


async def change(interaction: Interaction, action: str, voice_id: int) -> None:
    """Change the voice, or ask for a confirmation. The deferred answer becomes the voice's card or a text."""
    viewer, library = viewer_of(interaction), interaction.client.services.library
    match action:
        case "share":
            name = name_of(interaction.user)
            await show_voice(interaction, await library.share(viewer, voice_id, owner_name=name))
        case "unshare":
            await show_voice(interaction, await library.unshare(viewer, voice_id))
        case "gone":
            voice = await library.get_own(viewer, voice_id)
            deleted = await library.delete(viewer, voice_id)  # False if the API has yet to delete it
            await answer_text(interaction, "delete.done" if deleted else "delete.owed", title=voice.title)
        case "keep":
            await show_voice(interaction, await library.get_own(viewer, voice_id))
        case "delete" | "lost":  # lost: a voice that the API no longer has
            voice = await library.get_own(viewer, voice_id)
            view = action_buttons(str(interaction.locale), "voice", ("gone", "keep"), voice.id)
            await answer_text(interaction, "delete.ask", view, title=voice.title)
        case _:
            raise ValueError(action)
