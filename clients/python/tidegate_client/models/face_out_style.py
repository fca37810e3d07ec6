from typing import Literal

FaceOutStyle = Literal["italic", "normal"]

FACE_OUT_STYLE_VALUES: set[FaceOutStyle] = {
    "italic",
    "normal",
}


def check_face_out_style(value: str) -> FaceOutStyle:
    if value in FACE_OUT_STYLE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {FACE_OUT_STYLE_VALUES!r}")
