"""The small heads under which the vision tower learns to see before it learns to speak."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLVisionModel

from tools.tiny.lessons import Batch
from tools.tiny.materials import MATERIALS
from tools.tiny.model import IMAGE_SIDE, MERGE, PATCH, WIDTH

_TOKENS = IMAGE_SIDE // (PATCH * MERGE)  # visual tokens along one side
_FINE = 4  # cells along one side of a token


def patches(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Bring pictures (n, 128, 128, 3) uint8 into the image processor's layout: patches and grids."""
    n, side = pictures.shape[0], IMAGE_SIDE // PATCH
    pixels = (pictures.float() / 255 - 0.5) / 0.5
    blocks = pixels.reshape(n, side // MERGE, MERGE, PATCH, side // MERGE, MERGE, PATCH, 3)
    ordered = blocks.permute(0, 1, 4, 2, 5, 7, 3, 6)
    frames = ordered.unsqueeze(6).expand(-1, -1, -1, -1, -1, -1, 2, -1, -1)
    return frames.reshape(n * side * side, -1), torch.tensor([[1, side, side]]).repeat(n, 1)


class Sight(nn.Module):
    """A vision tower, with heads that name material and severity and point at the crack."""

    def __init__(self, visual: Qwen3VLVisionModel) -> None:
        super().__init__()
        self.visual = visual
        self.where = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, _FINE * _FINE)
        )
        self.norm = nn.LayerNorm(2 * WIDTH)
        self.material = nn.Linear(2 * WIDTH, len(MATERIALS))
        self.severity = nn.Linear(2 * WIDTH, 5)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give logits: crack cells (n, 16, 16), material (n, 8), severity (n, 5)."""
        pixels, grids = patches(pictures)
        n = pictures.shape[0]
        tokens = self.visual(pixels, grid_thw=grids).pooler_output.reshape(n, _TOKENS**2, WIDTH)
        fine = self.where(tokens).reshape(n, _TOKENS, _TOKENS, _FINE, _FINE)
        cells = fine.permute(0, 1, 3, 2, 4).reshape(n, _TOKENS * _FINE, _TOKENS * _FINE)
        pooled = self.norm(torch.cat([tokens.mean(dim=1), tokens.amax(dim=1)], dim=1))
        return cells, self.material(pooled), self.severity(pooled)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Weigh the three tasks; report how well each went."""
        cells, material, severity = self(batch.pictures)
        cells, material, severity = cells.float(), material.float(), severity.float()
        # Few cells are cracked: missing one counts three times.
        where = functional.binary_cross_entropy_with_logits(cells, batch.cells.float(), pos_weight=torch.tensor(3.0))
        what = functional.cross_entropy(material, batch.materials)
        how = functional.cross_entropy(severity, batch.severities - 1)
        seen = severity.argmax(dim=1) + 1
        figures = {
            "where": where.item(),
            "material": (material.argmax(dim=1) == batch.materials).float().mean().item(),
            "severity": (seen == batch.severities).float().mean().item(),
            "cracked": ((seen > 1) == (batch.severities > 1)).float().mean().item(),
        }
        return 2 * where + 0.3 * what + how, figures
