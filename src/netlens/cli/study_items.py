"""The items of a study that a command is about: those that it can have, and those that the user named."""

from dataclasses import dataclass
from typing import Any, Final

from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import Item, load_catalogue, select
from netlens.workflow.errors import UserError
from netlens.workflow.network_specs import check_files
from netlens.workflow.study import load_study

#: Section of the pages that repeat what other items hold.
SUPPLEMENT: Final = "site"


@dataclass(frozen=True)
class StudyItems:
    """A study and its items.

    Attributes
    ----------
    config
        The validated study.
    catalogue
        All items by name, also those that the study cannot have.
    absent
        Why the study cannot have an item, by its name.
    """

    config: dict[str, Any]
    catalogue: dict[str, Item]
    absent: dict[str, str]

    @property
    def study(self) -> str:
        """Name of the study."""
        return str(self.config["study"])

    @property
    def compared(self) -> dict[str, Item]:
        """Items that can be published and compared: not the supplement, which repeats the others and the reference."""
        return {
            name: item
            for name, item in self.catalogue.items()
            if name not in self.absent and item.section != SUPPLEMENT
        }

    def named(self, names: list[str]) -> list[Item]:
        """Items with the given names.

        Raises
        ------
        UserError
            A name does not exist, or the study cannot have it.
        """
        items = select(self.catalogue, names)
        if missing := [name for item in items if (name := item.name) in self.absent]:
            raise UserError(
                "\n".join(f"{name} is absent from study {self.study}: {self.absent[name]}" for name in missing)
            )
        return items

    def named_for_comparison(self, names: list[str]) -> list[Item]:
        """Items with the given names, or all that can be compared if none is named.

        Raises
        ------
        UserError
            As `named`, or an item is not compared.
        """
        items = self.named(names) if names else list(self.compared.values())
        if repeats := [item.name for item in items if item.section == SUPPLEMENT]:
            raise UserError(f"{repeats[0]} repeats what other items hold, which are compared instead")
        return items


def study_items(study: str, *, with_files: bool = False) -> StudyItems:
    """Load a study and its items.

    Parameters
    ----------
    study
        Name or file of the study.
    with_files
        Whether the files that the study names must be there, as for a run.

    Raises
    ------
    UserError
        The study is not valid, one of its networks or image sets cannot be used, or a file is missing.
    """
    config, catalogue = load_study(study), load_catalogue()
    if with_files:
        check_files(config)
    return StudyItems(config, catalogue, absent_items(config, catalogue))
