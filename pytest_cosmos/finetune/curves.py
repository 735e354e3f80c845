"""Loss and accuracy by epoch, drawn as an SVG that needs no network."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_cosmos.finetune.record import Epoch


def curves_svg(epochs: Sequence[Epoch], best: int) -> str:
    """Draw both losses above, accuracy (over all, by category) and recall below; a rule marks the kept epoch."""
    import altair
    import vl_convert

    losses = [
        {"epoch": epoch.epoch, "split": split, "value": value}
        for epoch in epochs
        for split, value in (("training", epoch.train_loss), ("validation", epoch.val_loss))
        if value is not None
    ]
    accuracies = [
        {"epoch": epoch.epoch, "cases": name, "value": value}
        for epoch in epochs
        for name, value in {"all": epoch.val_accuracy, **epoch.watched}.items()
    ]
    axis = altair.X("epoch:Q").axis(tickMinStep=1, format="d").title("epoch")
    loss = altair.Chart(altair.Data(values=losses)).mark_line(point=True)
    accuracy = altair.Chart(altair.Data(values=accuracies)).mark_line(point=True)
    kept = altair.Chart(altair.Data(values=[{"epoch": best}])).mark_rule(strokeDash=[4, 4], color="gray").encode(x=axis)
    upper = loss.encode(x=axis, y=altair.Y("value:Q").title("loss"), color=altair.Color("split:N").title("split"))
    lower = accuracy.encode(
        x=axis,
        y=altair.Y("value:Q").title("validation: accuracy, recall").axis(format="%").scale(zero=False),
        color=altair.Color("cases:N").title("cases"),
    )
    size = {"width": 420, "height": 180}
    both = altair.vconcat((upper + kept).properties(**size), (lower + kept).properties(**size))
    chart = both.resolve_scale(color="independent")
    svg: str = vl_convert.vegalite_to_svg(chart.to_json())
    return svg
