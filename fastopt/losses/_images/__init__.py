"""Losses of images and of feature maps: how alike two are in structure, how much one varies, how far it is from a content and a style.

Used through fastopt.losses.  Its mathematics is in csrc/images; it knows the losses of single predictions below, and no other family.
"""
from ._pixels import SSIM, TotalVariation
from ._style import ContentStyle

__all__ = ["SSIM", "ContentStyle", "TotalVariation"]
