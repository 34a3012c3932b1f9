package org.ferlarq.demo.photo

import android.graphics.Bitmap
import org.ferlarq.demo.inference.Face
import org.ferlarq.demo.ui.Problem

sealed interface PhotoState {
    data object Empty : PhotoState

    data object Working : PhotoState

    data class Analyzed(val picture: Bitmap, val faces: List<Face>, val labels: List<String>) :
        PhotoState

    data class Failed(val problem: Problem) : PhotoState
}
