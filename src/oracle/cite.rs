//! BibTeX of what an operator comes from, and of this work.

use super::spec::Spec;

/// A published work: the words by which a source line is recognised, and its entry.
struct Work {
    marks: &'static [&'static str],
    entry: &'static str,
}

const WORKS: &[Work] = &[
    Work {
        marks: &["TPAMI 2007"],
        entry: "@article{ma2007segmentation,\n  title = {Segmentation of Multivariate Mixed Data via Lossy Data Coding and Compression},\n  author = {Ma, Yi and Derksen, Harm and Hong, Wei and Wright, John},\n  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},\n  volume = {29},\n  number = {9},\n  pages = {1546--1562},\n  year = {2007}\n}",
    },
    Work {
        marks: &["Song", "NeurIPS 2020"],
        entry: "@inproceedings{yu2020mcr2,\n  title = {Learning Diverse and Discriminative Representations via the Principle of Maximal Coding Rate Reduction},\n  author = {Yu, Yaodong and Chan, Kwan Ho Ryan and You, Chong and Song, Chaobing and Ma, Yi},\n  booktitle = {Advances in Neural Information Processing Systems},\n  volume = {33},\n  year = {2020}\n}",
    },
    Work {
        marks: &["JMLR 2022"],
        entry: "@article{chan2022redunet,\n  title = {{ReduNet}: A White-box Deep Network from the Principle of Maximizing Rate Reduction},\n  author = {Chan, Kwan Ho Ryan and Yu, Yaodong and You, Chong and Qi, Haozhi and Wright, John and Ma, Yi},\n  journal = {Journal of Machine Learning Research},\n  volume = {23},\n  number = {114},\n  pages = {1--103},\n  year = {2022}\n}",
    },
    Work {
        marks: &["NeurIPS 2023"],
        entry: "@inproceedings{yu2023whitebox,\n  title = {White-Box Transformers via Sparse Rate Reduction},\n  author = {Yu, Yaodong and Buchanan, Sam and Pai, Druv and Chu, Tianzhe and Wu, Ziyang and Tong, Shengbang and Haeffele, Benjamin D. and Ma, Yi},\n  booktitle = {Advances in Neural Information Processing Systems},\n  volume = {36},\n  year = {2023}\n}",
    },
    Work {
        marks: &["SimDINO"],
        entry: "@inproceedings{wu2025simdino,\n  title = {Simplifying {DINO} via Coding Rate Regularization},\n  author = {Wu, Ziyang and Zhang, Jingyuan and Pai, Druv and Wang, XuDong and Singh, Chandan and Yang, Jianwei and Gao, Jianfeng and Ma, Yi},\n  booktitle = {International Conference on Machine Learning},\n  year = {2025}\n}",
    },
    Work {
        marks: &["CTRL", "Entropy 2022"],
        entry: "@article{dai2022ctrl,\n  title = {{CTRL}: Closed-Loop Transcription to an {LDR} via Minimaxing Rate Reduction},\n  author = {Dai, Xili and Tong, Shengbang and Li, Mingyang and Wu, Ziyang and Psenka, Michael and Chan, Kwan Ho Ryan and Zhai, Pengyuan and Yu, Yaodong and Yuan, Xiaojun and Shum, Heung-Yeung and Ma, Yi},\n  journal = {Entropy},\n  volume = {24},\n  number = {4},\n  pages = {456},\n  year = {2022}\n}",
    },
    Work {
        marks: &["i-CTRL"],
        entry: "@inproceedings{tong2023incremental,\n  title = {Incremental Learning of Structured Memory via Closed-Loop Transcription},\n  author = {Tong, Shengbang and Dai, Xili and Wu, Ziyang and Li, Mingyang and Yi, Brent and Ma, Yi},\n  booktitle = {International Conference on Learning Representations},\n  year = {2023}\n}",
    },
    Work {
        marks: &["2206.09120"],
        entry: "@article{pai2022pursuit,\n  title = {Pursuit of a Discriminative Representation for Multiple Subspaces via Sequential Games},\n  author = {Pai, Druv and Psenka, Michael and Chiu, Chih-Yuan and Wu, Manxi and Dobriban, Edgar and Ma, Yi},\n  journal = {arXiv preprint arXiv:2206.09120},\n  year = {2022}\n}",
    },
    Work {
        marks: &["Daubechies"],
        entry: "@article{daubechies2004iterative,\n  title = {An Iterative Thresholding Algorithm for Linear Inverse Problems with a Sparsity Constraint},\n  author = {Daubechies, Ingrid and Defrise, Michel and De Mol, Christine},\n  journal = {Communications on Pure and Applied Mathematics},\n  volume = {57},\n  number = {11},\n  pages = {1413--1457},\n  year = {2004}\n}",
    },
    Work {
        marks: &["Vaswani"],
        entry: "@inproceedings{vaswani2017attention,\n  title = {Attention Is All You Need},\n  author = {Vaswani, Ashish and Shazeer, Noam and Parmar, Niki and Uszkoreit, Jakob and Jones, Llion and Gomez, Aidan N. and Kaiser, {\\L}ukasz and Polosukhin, Illia},\n  booktitle = {Advances in Neural Information Processing Systems},\n  volume = {30},\n  year = {2017}\n}",
    },
    Work {
        marks: &["Dosovitskiy"],
        entry: "@inproceedings{dosovitskiy2021image,\n  title = {An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale},\n  author = {Dosovitskiy, Alexey and Beyer, Lucas and Kolesnikov, Alexander and Weissenborn, Dirk and Zhai, Xiaohua and Unterthiner, Thomas and Dehghani, Mostafa and Minderer, Matthias and Heigold, Georg and Gelly, Sylvain and Uszkoreit, Jakob and Houlsby, Neil},\n  booktitle = {International Conference on Learning Representations},\n  year = {2021}\n}",
    },
    Work {
        marks: &["Ba, Kiros"],
        entry: "@article{ba2016layer,\n  title = {Layer Normalization},\n  author = {Ba, Jimmy Lei and Kiros, Jamie Ryan and Hinton, Geoffrey E.},\n  journal = {arXiv preprint arXiv:1607.06450},\n  year = {2016}\n}",
    },
    Work {
        marks: &["Hendrycks"],
        entry: "@article{hendrycks2016gelu,\n  title = {Gaussian Error Linear Units ({GELUs})},\n  author = {Hendrycks, Dan and Gimpel, Kevin},\n  journal = {arXiv preprint arXiv:1606.08415},\n  year = {2016}\n}",
    },
    Work {
        marks: &["Higham", "2002"],
        entry: "@book{higham2002accuracy,\n  title = {Accuracy and Stability of Numerical Algorithms},\n  author = {Higham, Nicholas J.},\n  edition = {Second},\n  publisher = {SIAM},\n  year = {2002}\n}",
    },
    Work {
        marks: &["Murray 2016"],
        entry: "@article{murray2016differentiation,\n  title = {Differentiation of the {Cholesky} decomposition},\n  author = {Murray, Iain},\n  journal = {arXiv preprint arXiv:1602.07527},\n  year = {2016}\n}",
    },
    Work {
        marks: &["Blanchard, Higham"],
        entry: "@article{blanchard2021accurately,\n  title = {Accurately computing the log-sum-exp and softmax functions},\n  author = {Blanchard, Pierre and Higham, Desmond J. and Higham, Nicholas J.},\n  journal = {IMA Journal of Numerical Analysis},\n  volume = {41},\n  number = {4},\n  pages = {2311--2330},\n  year = {2021}\n}",
    },
    Work {
        marks: &["Szegedy", "CVPR 2016"],
        entry: "@inproceedings{szegedy2016rethinking,\n  title = {Rethinking the Inception Architecture for Computer Vision},\n  author = {Szegedy, Christian and Vanhoucke, Vincent and Ioffe, Sergey and Shlens, Jon and Wojna, Zbigniew},\n  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},\n  year = {2016}\n}",
    },
    Work {
        marks: &["Nair and Hinton"],
        entry: "@inproceedings{nair2010rectified,\n  title = {Rectified Linear Units Improve Restricted {Boltzmann} Machines},\n  author = {Nair, Vinod and Hinton, Geoffrey E.},\n  booktitle = {International Conference on Machine Learning},\n  year = {2010}\n}",
    },
];

/// The sources of an operator in BibTeX, in the order of the list, and this work last. A source that the list does not know is given in the words of the catalog.
pub fn cite(spec: &Spec) -> Vec<String> {
    let mut out: Vec<String> =
        WORKS.iter().filter(|w| w.marks.iter().all(|m| spec.source.contains(m))).map(|w| w.entry.to_string()).collect();
    if out.is_empty() {
        out.push(format!("@misc{{source-of-{},\n  note = {{{}}}\n}}", spec.name.replace('_', "-"), spec.source));
    }
    out.push(format!(
        "@software{{whitebox,\n  title = {{White-Box: a certified reference implementation of white-box transformers via sparse rate reduction}},\n  author = {{{{The White-Box authors}}}},\n  version = {{{}}},\n  year = {{2026}}\n}}",
        env!("CARGO_PKG_VERSION")
    ));
    out
}
